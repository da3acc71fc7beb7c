// The table (phase, verdict) → PAM code, row by row, and that there is nothing beside it.
// Specification: PROTOCOL.md, section 1.5.
import { execFileSync } from 'node:child_process';

import test from 'ava';

import { buildPam, program, SANITIZER_ENVIRONMENT } from './build.ts';
import { PAM } from './client.ts';

const PHASES = ['', 'authenticate', 'account', 'setcred', 'open-session', 'close-session', 'chauthtok'];
const VERDICTS = [
  ...['', 'granted', 'denied', 'unavailable', 'cancelled', 'unknown-user', 'card-required', 'permitted'],
];

const ROWS: readonly (readonly [phase: string, verdict: string, code: keyof typeof PAM])[] = [
  ['authenticate', 'granted', 'SUCCESS'],
  ['authenticate', 'denied', 'AUTH_ERR'],
  ['authenticate', 'unavailable', 'AUTHINFO_UNAVAIL'],
  ['authenticate', 'cancelled', 'CONV_ERR'],
  ['authenticate', 'unknown-user', 'USER_UNKNOWN'],
  ['authenticate', 'card-required', 'AUTH_ERR'],
  ['account', 'permitted', 'SUCCESS'],
  ['account', 'denied', 'PERM_DENIED'],
  ['account', 'unavailable', 'AUTHINFO_UNAVAIL'],
  ['account', 'cancelled', 'PERM_DENIED'],
  ['account', 'unknown-user', 'USER_UNKNOWN'],
  ['account', 'card-required', 'PERM_DENIED'],
  ['chauthtok', 'permitted', 'SUCCESS'],
  ['chauthtok', 'denied', 'AUTHTOK_ERR'],
  ['chauthtok', 'unavailable', 'AUTHINFO_UNAVAIL'],
  ['chauthtok', 'cancelled', 'CONV_ERR'],
  ['chauthtok', 'unknown-user', 'USER_UNKNOWN'],
  ['chauthtok', 'card-required', 'AUTHTOK_ERR'],
];

/** "phase code" → PAM code; the refusal of a phase is "phase -". */
const table = new Map<string, number>();

test.before(() => {
  buildPam();
  const output = execFileSync(program('verdict_table', 'sanitized'), {
    encoding: 'utf8',
    env: SANITIZER_ENVIRONMENT,
  });
  for (const line of output.trim().split('\n')) {
    const [phase = '', code = '', pam = ''] = line.split(' ');
    table.set(`${phase} ${code}`, Number(pam));
  }
});

for (const [phase, verdict, code] of ROWS) {
  test(`${phase}, ${verdict} → PAM_${code}`, (t) => {
    t.is(table.get(`${PHASES.indexOf(phase)} ${VERDICTS.indexOf(verdict)}`), PAM[code]);
  });
}

for (const phase of ['setcred', 'open-session', 'close-session']) {
  test(`${phase} protects nothing: PAM_SUCCESS whatever the verdict`, (t) => {
    const codes = [...table]
      .filter(([pair]) => pair.startsWith(`${PHASES.indexOf(phase)} `))
      .map(([, pam]) => pam);
    t.is(codes.length, 257);
    t.true(codes.every((pam) => pam === PAM.SUCCESS));
  });
}

test('L2: every other pair, and no verdict at all, is PAM_AUTHINFO_UNAVAIL', (t) => {
  const rows = new Set(
    ROWS.map(([phase, verdict]) => `${PHASES.indexOf(phase)} ${VERDICTS.indexOf(verdict)}`),
  );
  const others = [...table].filter(([pair]) => !rows.has(pair) && !/^[345] /.test(pair));
  t.is(others.length, 5 * 257 - ROWS.length);
  t.deepEqual(
    others.filter(([, pam]) => pam !== PAM.AUTHINFO_UNAVAIL),
    [],
  );
});

test('L1: PAM_IGNORE is nowhere in the table', (t) => {
  t.is(table.size, 8 * 257);
  t.false([...table.values()].includes(PAM.IGNORE));
});
