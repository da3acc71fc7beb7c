// What the agent and the module tell each other aside: the card's name for the session's environment (C1), and how wide the
// terminal is (U).
import test from 'ava';

import { ask, MEASURE, token, verdict, VERDICT, type Step } from './agent.ts';
import { buildPam } from './build.ts';
import { PAM, runPam } from './client.ts';

const GRANTED = verdict(VERDICT.granted);
const NAME = 'PKCS11_LOGIN_TOKEN_NAME';

test.before(buildPam);

test('C1: a grant puts the name of the card into the environment of the session', async (t) => {
  for (const name of ['Ada Lovelace', 'Zoë = Ångström', 'x'.repeat(32)]) {
    const run = await runPam({ agent: ['read', ask('PIN: '), 'read', token(name), GRANTED] });
    t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
    t.deepEqual(run.environment, [`${NAME}=${name}`]);
  }
});

test('C1: no grant, no name; and a grant without a name leaves the environment alone', async (t) => {
  const runs: readonly (readonly [Step, number])[] = [
    [verdict(VERDICT.denied), PAM.AUTH_ERR],
    [verdict(VERDICT.unavailable), PAM.AUTHINFO_UNAVAIL],
    // Refused by the module: it names another user.
    [verdict(VERDICT.granted, { user: 'bob' }), PAM.AUTHINFO_UNAVAIL],
  ];
  for (const [end, code] of runs) {
    const run = await runPam({ agent: ['read', token('Ada Lovelace'), end] });
    t.is(run.codes['authenticate'], code, run.output);
    t.deepEqual(run.environment, []);
  }
  t.deepEqual((await runPam({ agent: ['read', GRANTED] })).environment, []);
});

test('C1: a name of another agent is not that of the one which comes after it', async (t) => {
  const first = ['read', token('Ada Lovelace'), ask('PIN: '), 'gone'] as const;
  // Answered once it has gone: an answer that it may have read is not given to another (PROTOCOL.md 1.4).
  const client = ['user=alice', 'conversation=after:SOCKET.gone', 'authenticate'];
  const run = await runPam({ agent: first, laterAgent: ['read', GRANTED], client });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.deepEqual(run.environment, []);
});

for (const [what, steps] of [
  ['a name that is too long', [token('x'.repeat(33))]],
  ['an empty name', [token('')]],
  ['a line break', [token('Ada\nLD_PRELOAD=/tmp/x.so')]],
  ['an escape', [token('\u009b2J')]],
  ['a second name', [token('Ada'), token('Bob')]],
  ['a second measure', [MEASURE, 'read', MEASURE, 'read']],
] as const)
  test(`C1: an agent that sends ${what} is none`, async (t) => {
    const run = await runPam({ agent: ['read', ...steps, GRANTED] });
    t.is(run.codes['authenticate'], PAM.AUTHINFO_UNAVAIL, run.output);
    t.deepEqual(run.environment, []);
  });

test('both are of the authenticate phase', async (t) => {
  for (const phase of ['account', 'chauthtok', 'open-session'])
    for (const steps of [[MEASURE, 'read'], [token('Ada')]] as const) {
      const run = await runPam({
        agent: ['read', ...steps, verdict(VERDICT.permitted)],
        client: ['user=alice', phase],
      });
      t.true(
        run.log.some((line) => line.includes('does not keep to the protocol')),
        run.output,
      );
      t.deepEqual(run.environment, []);
    }
});

test('U: asked how wide the terminal is, the module says it in two bytes', async (t) => {
  const run = await runPam({ agent: ['read', MEASURE, 'read', GRANTED] });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  const said = run.connections[0]?.[1];
  t.is(said?.type, 15);
  t.is(said?.body.length, 2);
});
