// The arguments of the module, what it logs, and that no line of a log or an argument holds a secret.
import test from 'ava';

import { ask, verdict, VERDICT } from './agent.ts';
import { buildPam } from './build.ts';
import { PAM, runPam } from './client.ts';

const LOG_ERR = 3;
const LOG_NOTICE = 5;
const LOG_DEBUG = 7;
const GRANT = [
  'read',
  ask('PIN: '),
  'read',
  verdict(VERDICT.granted, { authtok: 'keyring-secret' }),
] as const;

test.before(buildPam);

test('an unknown argument is logged and ignored', async (t) => {
  const run = await runPam({ agent: GRANT, moduleArguments: 'try_first_pass nullok=1' });
  t.is(run.codes['authenticate'], PAM.SUCCESS);
  t.is(
    run.log.filter((line) => line.startsWith(`${LOG_ERR}:`) && line.includes('unknown argument')).length,
    2,
  );
});

for (const value of ['', '0', '61', '100', '-1', '1s', ' 5', '1e1', '99999999999999999999', '0x5']) {
  test(`timeout=${value} is logged, and the default stays`, async (t) => {
    const run = await runPam({ moduleArguments: value === ' 5' ? '[timeout= 5]' : `timeout=${value}` });
    t.is(run.codes['authenticate'], PAM.AUTHINFO_UNAVAIL);
    t.regex(run.log[0] ?? '', /^3:.*timeout=.* is not a number of seconds from 1 to 60; using 4500 ms$/);
  });
}

for (const value of ['1', '60', '05']) {
  test(`timeout=${value} is taken without a word`, async (t) => {
    // Nobody is there to wait for, so that the second is none that a busy machine could need. That it ends a silence is
    // seen in refusals.test.ts.
    const run = await runPam({ moduleArguments: `timeout=${value}` });
    t.is(run.codes['authenticate'], PAM.AUTHINFO_UNAVAIL);
    t.is(run.log.length, 1, run.output);
    t.regex(run.log[0] ?? '', /no scauthd at/);
  });
}

for (const path of ['', 'pam.sock', './pam.sock', `/${'x'.repeat(107)}`, `/${'x'.repeat(500)}`]) {
  test(`socket= with a path of ${path.length} bytes ("${path.slice(0, 10)}") is logged, and not used`, async (t) => {
    const run = await runPam({ agent: GRANT, moduleArguments: `socket=${path}` });
    t.is(run.exit, 0, run.output);
    // The first socket= of the line, the agent's, stays.
    t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
    t.true(
      run.log.some((line) => line.startsWith(`${LOG_ERR}:`) && line.includes('is not an absolute path')),
    );
  });
}

test('a path of exactly the longest size is used', async (t) => {
  const run = await runPam({ agent: GRANT, moduleArguments: `socket=/${'x'.repeat(106)}` });
  t.is(run.codes['authenticate'], PAM.AUTHINFO_UNAVAIL);
  t.true(run.log.some((line) => line.startsWith(`${LOG_NOTICE}:`) && line.includes('no scauthd at /xxx')));
});

test('debug logs what happened, and no secret', async (t) => {
  const run = await runPam({ agent: GRANT, moduleArguments: 'debug' });
  t.true(run.log.some((line) => line.startsWith(`${LOG_DEBUG}:`) && line.includes('phase 1')));
  t.notRegex(run.log.join('\n'), /123456|keyring-secret/);
});

test('without debug a login that works logs nothing', async (t) => {
  t.deepEqual((await runPam({ agent: GRANT })).log, []);
});

test('each failure has one line in the log', async (t) => {
  for (const agent of [undefined, [], ['read', Buffer.from('garbage!')]] as const) {
    const run = await runPam({ ...(agent && { agent }) });
    t.is(run.log.length, 1, run.output);
    t.regex(run.log[0] ?? '', /scauthd/);
  }
});
