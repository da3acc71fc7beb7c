// L2: every call of the module that can fail, fails in turn: a denial never becomes a success, a grant only
// where what failed does not matter; nothing crashes, leaks a descriptor, keeps the secret or the echo.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import test, { type ExecutionContext } from 'ava';

import { enforcementText } from '../../../agent/stories/enforcement/enforcement-file.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { buildPam, MODULES, program, SANITIZER_ENVIRONMENT } from './build.ts';
import { makePamFolder, PAM, type PamFolder } from './client.ts';

interface FaultRun {
  readonly call: string;
  readonly code: number;
  readonly user: string;
  readonly line: string;
}

/** @param script letters as in scripted_agent.h; @param user the user of the request, `-` for none. */
async function failEach(
  t: ExecutionContext,
  script: string,
  mode: string,
  user: string,
  prepare?: (place: PamFolder) => void,
): Promise<FaultRun[]> {
  const place = makePamFolder();
  t.teardown(() => {
    place.remove();
  });
  place.writeService('alone', [`auth required ${MODULES.faults} socket=${place.socketPath} timeout=20`]);
  prepare?.(place);
  const { stdout, stderr } = await promisify(execFile)(
    program('nth_failure', 'sanitized'),
    [place.folder, script, mode, user, ...(prepare === undefined ? [] : ['account'])],
    { env: SANITIZER_ENVIRONMENT },
  );
  t.is(stderr, '');
  const runs = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const values = Object.fromEntries(line.split(' ').map((pair) => pair.split('=') as [string, string]));
      t.is(values['end'], '0', line);
      t.is(values['left-open'], '0', `L14: ${line}`);
      t.is(values['echo'], 'on', `L20: ${line}`);
      t.regex(values['secret'] ?? '', /^(none|wiped)$/, line);
      return { call: values['call'] ?? '', code: Number(values['code']), user: values['user'] ?? '', line };
    });
  t.is(runs.at(-1)?.call, '(none)', 'the last run is one in which nothing failed');
  return runs;
}

/** What may fail without harm: leaving the terminal as it was, how wide it is, items that only describe, a deadline that no wait needed. */
const HARMLESS = [
  ...['close', 'clock_gettime', 'open', 'poll', 'pthread_sigmask', 'sigaction', 'signalfd'],
  ...['tcflush', 'tcgetattr', 'tcgetpgrp', 'tcsetattr', 'ioctl', 'pam_get_item', 'pam_set_data'],
];

test.before(buildPam);

test('L2: an agent that denies: no failing call makes a success of it', async (t) => {
  const runs = await failEach(t, 'BMWQAWTEAD', 'fail', 'alice');
  t.true(runs.length > 80, `${runs.length} runs`);
  for (const run of runs) t.true([PAM.AUTH_ERR, PAM.AUTHINFO_UNAVAIL].includes(run.code as 7), run.line);
  const called = new Set(runs.map((run) => run.call));
  for (const call of [
    'socket',
    'connect',
    'getsockopt',
    'poll',
    'send',
    'recv',
    'clock_gettime',
    'pam_get_item',
  ]) {
    t.true(called.has(call), call);
  }
  for (const call of HARMLESS) t.true(called.has(call), call);
});

test('L2: an agent that grants: a success only if what failed does not matter', async (t) => {
  const runs = await failEach(t, 'BMWQAWNU', 'fail', '-');
  t.true(runs.length > 50, `${runs.length} runs`);
  for (const run of runs) {
    if (run.code === PAM.SUCCESS) {
      t.true([...HARMLESS, 'pam_putenv', '(none)'].includes(run.call), run.line);
      t.is(run.user, 'alice', run.line);
    } else {
      t.is(run.code, PAM.AUTHINFO_UNAVAIL, run.line);
      t.is(run.user, '(none)', `no user of a refused grant stays: ${run.line}`);
    }
  }
  t.is(runs.at(-1)?.code, PAM.SUCCESS);
});

test('L1: out of memory while the user and the keyring secret are set is a refusal', async (t) => {
  const runs = (await failEach(t, 'BU', 'fail', '-')).filter((run) => run.call === 'pam_set_item');
  t.deepEqual(
    runs.map((run) => [run.code, run.user]),
    [
      [PAM.AUTHINFO_UNAVAIL, '(none)'],
      [PAM.AUTHINFO_UNAVAIL, '(none)'],
    ],
  );
});

for (const [mode, what] of [
  ['interrupt', 'is interrupted'],
  ['again', 'has nothing yet'],
  ['short', 'moves one byte only'],
] as const) {
  test(`each call that ${what} is done again, and the verdict stands`, async (t) => {
    const granted = await failEach(t, 'BMWQAWNU', mode, '-');
    for (const run of granted) t.is(run.code, PAM.SUCCESS, run.line);
    const denied = await failEach(t, 'BWQAWD', mode, 'alice');
    for (const run of denied) t.is(run.code, PAM.AUTH_ERR, run.line);
    t.true(mode === 'short' ? granted.length === 1 : granted.length > 5);
  });
}

/** Both phases in one handle, while a card is required. */
async function failEachEnforced(t: ExecutionContext, script: string, mode: string): Promise<FaultRun[]> {
  return failEach(t, script, mode, 'alice', (place) => {
    const lines = ['auth', 'account'].map(
      (kind) => `${kind} required ${MODULES.faults} socket=${place.socketPath} timeout=1`,
    );
    place.writeService('alone', lines);
    const state = { kind: 'on', sinceMs: 0, by: 'root' } as const;
    writeFileSync(join(place.folder, 'enforcement'), enforcementText(state, defaultPolicy));
  });
}

for (const [script, what] of [
  ['BD', 'denies'],
  ['B', 'closes without a word'],
] as const) {
  test(`S1: a card is required and the agent ${what}: no failing call lets anybody in`, async (t) => {
    const runs = await failEachEnforced(t, script, 'fail');
    t.true(runs.length > 40, `${runs.length} runs`);
    for (const run of runs) t.is(run.code, PAM.PERM_DENIED, run.line);
    const called = new Set(runs.map((run) => run.call));
    const own = ['pam_set_data', 'socket', 'connect', 'recv'];
    if (script === 'B') own.push('pam_get_data', 'statx', 'read');
    for (const call of own) t.true(called.has(call), call);
    for (const mode of ['interrupt', 'again', 'short'])
      for (const run of await failEachEnforced(t, script, mode)) t.is(run.code, PAM.PERM_DENIED, run.line);
  });
}
