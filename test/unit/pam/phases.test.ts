// The other entry points: account, setcred, sessions and chauthtok.
import test from 'ava';

import { ask, hold, readBegin, take, tell, verdict, VERDICT, WAIT } from './agent.ts';
import { buildPam } from './build.ts';
import { PAM, runPam } from './client.ts';

const PAM_UPDATE_AUTHTOK = 0x2000;

test.before(buildPam);

test('account: the agent decides', async (t) => {
  for (const [code, pam] of [
    [VERDICT.permitted, PAM.SUCCESS],
    [VERDICT.denied, PAM.PERM_DENIED],
    [VERDICT.cardRequired, PAM.PERM_DENIED],
    [VERDICT.granted, PAM.AUTHINFO_UNAVAIL],
  ] as const) {
    const run = await runPam({ agent: ['read', verdict(code)], client: ['user=alice', 'account'] });
    t.is(run.codes['account'], pam, run.output);
    t.is(readBegin(run.connections[0]?.[0]?.body ?? Buffer.alloc(0)).phase, 2);
  }
});

test('account: without an agent it is unavailable, not a success', async (t) => {
  const run = await runPam({ client: ['user=alice', 'account'], stack: ['account required MODULE'] });
  t.is(run.codes['account'], PAM.AUTHINFO_UNAVAIL);
  const permit = ['account required MODULE', 'account required pam_permit.so'];
  t.is(
    (await runPam({ client: ['user=alice', 'account'], stack: permit })).codes['account'],
    PAM.AUTHINFO_UNAVAIL,
  );
});

test('account: whoever was asked is not let in by a conversation that breaks', async (t) => {
  const question = ask('Break-glass code: ');
  for (const [name, steps] of [
    ['the agent goes', ['read', question, 'read']],
    ['the agent is gone while they type', ['read', question, 'gone']],
    ['garbage', ['read', question, 'read', Buffer.from('garbage!garbage!')]],
    ['silence', ['read', question, 'read', 'hold']],
    ['unavailable', ['read', question, 'read', verdict(VERDICT.unavailable)]],
    ['cancelled', ['read', question, 'read', verdict(VERDICT.cancelled)]],
    ['unknown user', ['read', question, 'read', verdict(VERDICT.unknownUser)]],
    ['told, and gone', ['read', tell('no')]],
  ] as const) {
    const client = ['user=alice', 'answer=12345', 'account'];
    const moduleArguments = `timeout=${name === 'silence' ? 5 : 20}`;
    const run = await runPam({ agent: steps, client, moduleArguments });
    t.is(run.codes['account'], PAM.PERM_DENIED, name);
  }
  const right = ['read', question, 'read', verdict(VERDICT.permitted)] as const;
  t.is((await runPam({ agent: right, client: ['user=alice', 'account'] })).codes['account'], PAM.SUCCESS);
});

test('account: cancelled is no', async (t) => {
  const run = await runPam({
    agent: ['read', verdict(VERDICT.cancelled)],
    client: ['user=alice', 'account'],
  });
  t.is(run.codes['account'], PAM.PERM_DENIED);
});

test('enforce in an auth stack says no, and never yes', async (t) => {
  for (const [code, pam] of [
    [VERDICT.permitted, PAM.AUTHINFO_UNAVAIL],
    [VERDICT.cardRequired, PAM.PERM_DENIED],
    [VERDICT.granted, PAM.AUTHINFO_UNAVAIL],
    [VERDICT.unavailable, PAM.AUTHINFO_UNAVAIL],
  ] as const) {
    const client = ['user=alice', 'authenticate'];
    const run = await runPam({ agent: ['read', verdict(code)], client, moduleArguments: 'enforce' });
    t.is(run.codes['authenticate'], pam, run.output);
    t.is(readBegin(run.connections[0]?.[0]?.body ?? Buffer.alloc(0)).phase, 2);
  }
  const alone = await runPam({
    agent: ['read', verdict(VERDICT.permitted)],
    client: ['user=alice', 'authenticate'],
    stack: ['auth sufficient MODULE enforce', 'auth required pam_deny.so'],
  });
  t.not(alone.codes['authenticate'], PAM.SUCCESS, 'also where somebody writes sufficient');
});

test('account: a permission names no user', async (t) => {
  const agent = ['read', verdict(VERDICT.permitted, { user: 'mallory' })] as const;
  t.is((await runPam({ agent, client: ['user=alice', 'account'] })).user, 'alice');
});

test('setcred succeeds at once, and the agent hears nothing of it', async (t) => {
  const run = await runPam({ agent: ['read', verdict(VERDICT.denied)], client: ['user=alice', 'setcred'] });
  t.is(run.codes['setcred'], PAM.SUCCESS);
  t.deepEqual(run.connections, []);
});

test('sessions succeed whatever the agent says, and the agent is told', async (t) => {
  const client = ['user=alice', 'open-session', 'close-session'];
  const run = await runPam({ agent: ['read', tell('Hello'), verdict(VERDICT.denied)], client });
  t.is(run.codes['open-session'], PAM.SUCCESS);
  t.is(run.codes['close-session'], PAM.SUCCESS);
  const phases = run.connections.map(([begin]) => readBegin(begin?.body ?? Buffer.alloc(0)).phase);
  t.deepEqual(phases, [4, 5]);
});

test('sessions succeed without an agent, with garbage and with silence', async (t) => {
  const client = ['user=alice', 'open-session', 'close-session'];
  for (const agent of [undefined, [Buffer.from('garbage!garbage!')], ['hold']] as const) {
    const run = await runPam({ ...(agent && { agent }), client, moduleArguments: 'timeout=1' });
    t.is(run.codes['open-session'], PAM.SUCCESS, run.output);
    t.is(run.codes['close-session'], PAM.SUCCESS, run.output);
    t.is(run.leftOpen, '0');
  }
});

test('chauthtok: the first round asks nobody, the second asks the agent', async (t) => {
  const agent = ['read', ask('PIN: '), 'read', verdict(VERDICT.permitted)] as const;
  const run = await runPam({ agent, client: ['user=alice', 'chauthtok'] });
  t.is(run.codes['chauthtok'], PAM.SUCCESS, run.output);
  t.is(run.connections.length, 1);
  const { phase, flags } = readBegin(run.connections[0]?.[0]?.body ?? Buffer.alloc(0));
  t.is(phase, 6);
  t.is(flags & PAM_UPDATE_AUTHTOK, PAM_UPDATE_AUTHTOK);
});

test('chauthtok: a denial is PAM_AUTHTOK_ERR', async (t) => {
  const run = await runPam({ agent: ['read', verdict(VERDICT.denied)], client: ['user=alice', 'chauthtok'] });
  t.is(run.codes['chauthtok'], PAM.AUTHTOK_ERR);
});

test('chauthtok: as an optional line it does not stop passwd while the agent is down', async (t) => {
  const stack = ['password required pam_permit.so', 'password optional MODULE'];
  t.is((await runPam({ client: ['user=alice', 'chauthtok'], stack })).codes['chauthtok'], PAM.SUCCESS);
  const alone = await runPam({ client: ['user=alice', 'chauthtok'] });
  t.is(alone.codes['chauthtok'], PAM.AUTHINFO_UNAVAIL);
});

/** The answer in a frame: its status and its bytes. */
function answerOf(body: Buffer | undefined): [status: number | undefined, secret: string] {
  return [body?.[0], body?.toString('latin1', 3) ?? ''];
}

test('chauthtok: without a new password the answer says so', async (t) => {
  const agent = ['read', take(), 'read', verdict(VERDICT.permitted)] as const;
  const run = await runPam({ agent, client: ['user=alice', 'chauthtok'] });
  t.is(run.codes['chauthtok'], PAM.SUCCESS, run.output);
  t.deepEqual(answerOf(run.connections[0]?.[1]?.body), [1, '']);
});

test('L24: no password is taken in any other phase', async (t) => {
  for (const phase of ['authenticate', 'account', 'open-session']) {
    const agent = ['read', take(), 'read', verdict(VERDICT.permitted)] as const;
    const run = await runPam({ agent, client: ['user=alice', phase] });
    t.is(run.connections[0]?.length, 1, `${phase}: nothing came back`);
    const codes: Record<string, number> = { 'open-session': PAM.SUCCESS, account: PAM.PERM_DENIED };
    t.is(run.codes[phase], codes[phase] ?? PAM.AUTHINFO_UNAVAIL);
  }
});

test('a hold is said once, without the word Enter where there is no terminal, and ends with the next frame', async (t) => {
  const agent = [
    'read',
    hold('Card, or Enter.', 'Card.'),
    WAIT,
    WAIT,
    ask('PIN: '),
    'read',
    verdict(VERDICT.denied),
  ] as const;
  const run = await runPam({ agent, client: ['user=alice', 'silent=1', 'authenticate'] });
  t.is(run.codes['authenticate'], PAM.AUTH_ERR, run.output);
  t.true(run.output.includes('told=4:Card.\n'), run.output);
  t.false(run.output.includes('or Enter'));
});
