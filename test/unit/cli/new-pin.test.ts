// changepin, unblock, test and enable-for-login against a scripted scauthd: parameters, words, JSON and exit codes to
// the letter, answers from lines and descriptors, no secret in what is written, and no yes that is not one.

import test, { type ExecutionContext } from 'ava';
import type { WireStep } from '../../../agent/protocol/io-scauth.ts';
import { startFakeAgent, type Caller, type Script } from './fake-agent.ts';
import { OnTerminal, runHere, runProcess, type Outcome } from './run-sc-auth.ts';

const TOKEN = 'org.scauth.piv:1234';
const SECRETS = ['735912', '48151623', '87654321'];

interface Played extends Outcome {
  readonly call: unknown;
  readonly got: readonly (string | null)[];
}

/** A scauthd that asks these questions, whatever is answered, and ends with `result`. */
async function play(
  t: ExecutionContext,
  questions: readonly string[],
  result: unknown,
  run: (socket: string) => Promise<Outcome>,
): Promise<Played> {
  const got: (string | null)[] = [];
  const agent = await startFakeAgent(async (call, caller) => {
    t.true(call.upgrade);
    caller.reply({});
    caller.send({ type: 'wait' });
    for (const question of questions) got.push(await caller.ask(question));
    caller.result(result);
  });
  try {
    const outcome = await run(agent.path);
    t.deepEqual(agent.failures, []);
    t.false(SECRETS.some((secret) => `${outcome.out}${outcome.err}`.includes(secret)));
    const [call] = agent.calls;
    return { ...outcome, call: [call?.method, call?.parameters], got };
  } finally {
    await agent.close();
  }
}

const CHANGE = ["Enter PIN for 'A PUK': ", "Enter new PIN for 'A PUK': ", 'Enter new PIN again: '];
const UNBLOCK = ["Enter PUK for 'My PIN': ", "Enter new PIN for 'My PIN': ", 'Enter new PIN again: '];
const LINES = '735912\n48151623\n48151623\n';

test('changepin: three lines of standard input, or of one descriptor', async (t) => {
  const args = ['changepin', '-t', TOKEN, '-u', 'alice'];
  for (const run of [
    (socket: string) => runProcess(socket, args, LINES),
    (socket: string) => runProcess(socket, [...args, '--pin-fd', '3'], '', [LINES]),
  ]) {
    t.deepEqual(await play(t, CHANGE, { token: TOKEN }, run), {
      code: 0,
      out: 'PIN changed\n',
      err: '',
      call: ['io.scauth.ChangePin', { token: TOKEN, user: 'alice' }],
      got: ['735912', '48151623', '48151623'],
    });
  }
});

test('unblock: PUK and new PIN by descriptors of their own, whatever the card is called', async (t) => {
  const args = ['unblock', '--puk-fd', '3', '--pin-fd', '4', '--json'];
  const played = await play(t, UNBLOCK, { token: TOKEN }, (socket) =>
    runProcess(socket, args, '', ['87654321\n', '48151623\n48151623\n']),
  );
  t.deepEqual(played.call, ['io.scauth.UnblockPin', { token: null, helpDesk: false }]);
  t.deepEqual(played.got, ['87654321', '48151623', '48151623']);
  t.deepEqual(JSON.parse(played.out), { token: TOKEN });
});

test('changepin, unblock: refusals with their exit codes; input that ends cancels', async (t) => {
  for (const [name, questions, error, exit] of [
    ['changepin', CHANGE, 'wrong-pin', 3],
    ['changepin', CHANGE, 'pin-reserve', 3],
    ['changepin', CHANGE, 'not-supported', 1],
    ['unblock', UNBLOCK, 'wrong-puk', 3],
    ['unblock', UNBLOCK, 'puk-blocked', 3],
    ['unblock', UNBLOCK, 'no-card', 4],
  ] as const) {
    const played = await play(t, questions, { error, message: 'No.', triesLeft: 1 }, (socket) =>
      runProcess(socket, [name, '--json'], LINES),
    );
    t.is(played.code, exit, error);
    t.deepEqual(JSON.parse(played.out), { error, message: 'No.', triesLeft: 1 });
  }
  const ended = await play(t, CHANGE.slice(0, 2), {}, (socket) =>
    runProcess(socket, ['changepin'], '735912\n'),
  );
  t.deepEqual([ended.code, ended.got, ended.out], [130, ['735912', null], '']);
});

test('a secret as an argument is not repeated', async (t) => {
  for (const name of ['changepin', 'unblock', 'test']) {
    const { code, out, err } = await runHere('/nowhere', [name, '735912']);
    t.is(code, 2);
    t.false(`${out}${err}`.includes('735912'));
  }
});

const STEPS: readonly WireStep[] = [
  { name: 'policy', good: true, ms: 0.04, note: 'services permits sudo' },
  { name: 'proof', good: true, ms: 41.26, note: 'ecdsa-sha256' },
];
const GRANTED = {
  user: 'alice',
  service: 'sudo',
  token: TOKEN,
  hash: 'AB'.repeat(20),
  granted: true,
  steps: STEPS,
  failure: null,
};
const WRONG = { code: 'wrong-pin', message: 'Wrong PIN. 2 tries left.', triesLeft: 2 };
const FAILED = { name: 'proof', good: false, ms: 9, note: 'wrong-pin' };
const DENIED = { ...GRANTED, granted: false, failure: WRONG, steps: [STEPS[0], FAILED] };

const rehearse = (t: ExecutionContext, result: unknown, ...args: readonly string[]): Promise<Played> =>
  play(t, ["Enter PIN for 'x': "], result, (socket) => runProcess(socket, ['test', ...args], '735912\n'));

test('test: each step with its time, and exit 0 for a yes', async (t) => {
  const played = await rehearse(t, GRANTED, '-s', 'sudo');
  t.is(played.code, 0);
  t.deepEqual(played.call, ['io.scauth.Rehearse', { service: 'sudo' }]);
  t.is(
    played.out,
    `ok      policy          0.0 ms  services permits sudo
ok      proof          41.3 ms  ecdsa-sha256
A login of alice for sudo would be granted. Nothing was changed.
`,
  );
  t.deepEqual(JSON.parse((await rehearse(t, GRANTED, '--json')).out), GRANTED);
});

test('test: a no is one document, its sentence, and the exit code of its cause', async (t) => {
  const words = await rehearse(t, DENIED);
  t.is(words.code, 3);
  t.regex(
    words.out,
    /^FAILED {2}proof .*wrong-pin\nA login .* would not be granted\. Wrong PIN\. 2 tries left\.\n$/m,
  );
  const json = await rehearse(t, DENIED, '--json');
  t.is(json.code, 3);
  t.deepEqual(JSON.parse(json.out), DENIED);
  for (const [code, exit] of [
    ['no-card', 4],
    ['not-paired', 4],
    ['cancelled', 130],
    ['something-new', 1],
    ['reader-gone', 1],
  ] as const) {
    t.is((await rehearse(t, { ...DENIED, failure: { ...WRONG, code } })).code, exit, code);
  }
});

test('test: no yes that its own parts gainsay', async (t) => {
  for (const over of [
    { failure: WRONG },
    { granted: false },
    { steps: [STEPS[0], FAILED] },
    { steps: [] },
    { steps: null },
    { granted: 'yes' },
    { failure: {} },
  ]) {
    const { code, out } = await rehearse(t, { ...GRANTED, ...over });
    t.not(code, 0, JSON.stringify(over));
    t.is(out, '');
  }
});

test('test: a note of a card cannot move the cursor', async (t) => {
  const { out } = await rehearse(t, { ...GRANTED, steps: [{ ...STEPS[0], note: 'a\x1b[2Jb\nok' }] });
  t.notRegex(out, /\x1b/);
  t.is(out.split('\n').length, 3);
});

async function setDriver(script: Script, args: readonly string[]): Promise<Outcome & { calls: unknown[] }> {
  const agent = await startFakeAgent(script);
  try {
    const outcome = await runHere(agent.path, ['enable-for-login', ...args]);
    return { ...outcome, calls: agent.calls.map(({ method, parameters }) => [method, parameters]) };
  } finally {
    await agent.close();
  }
}

test('enable-for-login: both ways, options before and behind', async (t) => {
  const yes: Script = (_call, caller: Caller) => {
    caller.reply({});
  };
  const driver = 'org.example.x';
  for (const [args, enabled] of [
    [[driver, '--json'], true],
    [['--json', driver], true],
    [['--disable', driver, '--json'], false],
    [[`--disable=${driver}`, '--json'], false],
  ] as const) {
    const { code, out, calls } = await setDriver(yes, args);
    t.is(code, 0, args.join(' '));
    t.deepEqual(JSON.parse(out), { driver, enabled });
    t.deepEqual(calls, [['io.scauth.SetDriverForLogin', { driver, enabled }]]);
  }
  for (const args of [
    [],
    ['--disable'],
    [driver, '--disable', driver],
    [driver, 'org.example.y'],
    ['-x', driver],
  ]) {
    const { code, calls } = await setDriver(yes, args);
    t.is(code, 2, args.join(' '));
    t.deepEqual(calls, [], 'scauthd is not asked');
  }
});

test('enable-for-login: for root alone; a driver that is not there', async (t) => {
  const denied = await setDriver(
    (_call, caller) => {
      caller.fail('org.varlink.service.PermissionDenied');
    },
    ['org.example.x'],
  );
  t.deepEqual([denied.code, denied.err], [3, 'That is for the administrator. Run it with sudo.\n']);
  const none = await setDriver(
    (_call, caller) => {
      caller.fail('io.scauth.Failed', {
        code: 'invalid-argument',
        message: 'No such driver.',
        triesLeft: null,
      });
    },
    ['org.example.x'],
  );
  t.deepEqual([none.code, none.err], [2, 'No such driver.\n']);
});

/** A scauthd that keeps the person waiting until the terminal shows `shown`, then asks. */
async function waitThenAsk(t: ExecutionContext, environment: string, shown: string | null): Promise<string> {
  let go: () => void = () => undefined;
  const seen = new Promise<void>((resolve) => (go = resolve));
  const agent = await startFakeAgent(async (_call, caller) => {
    caller.reply({});
    if (shown !== null) await seen;
    t.is(await caller.ask('Enter PIN: '), '735912');
    caller.result({ token: TOKEN });
  });
  const terminal = new OnTerminal(agent.path, `env -u CI ${environment} $SC_AUTH verifypin`);
  try {
    if (shown !== null) {
      await terminal.expect(shown);
      go();
    }
    await terminal.expect('Enter PIN: ');
    terminal.send('735912\r');
    t.is(await terminal.exit, 0);
    t.deepEqual(agent.failures, []);
    return terminal.screen;
  } finally {
    terminal.kill();
    await agent.close();
  }
}

test('a wait that can be felt is shown, and is gone before the question; the cursor is back', async (t) => {
  const screen = await waitThenAsk(t, 'TERM=xterm', 'One moment');
  const beforeQuestion = screen.slice(0, screen.indexOf('Enter PIN: '));
  t.true(
    beforeQuestion.lastIndexOf('\x1b[0K') > beforeQuestion.lastIndexOf('One moment'),
    JSON.stringify(screen),
  );
  t.is(screen.split('\x1b[?25h').length, screen.split('\x1b[?25l').length);
  t.false(screen.slice(screen.indexOf('Enter PIN: ')).includes('One moment'));
});

test('a short wait shows nothing', async (t) => {
  t.false((await waitThenAsk(t, 'TERM=xterm', null)).includes('One moment'));
});

test('L5: Ctrl-C while the card works: cancelled, cursor and echo are back', async (t) => {
  const agent = await startFakeAgent((_call, caller) => {
    caller.reply({});
  });
  const terminal = new OnTerminal(
    agent.path,
    'trap : INT; env -u CI TERM=xterm $SC_AUTH verifypin; echo "[$?]"; stty -a',
  );
  try {
    await terminal.expect('One moment');
    terminal.send('\x03');
    await terminal.expect('[130]');
    await terminal.exit;
    t.true(terminal.screen.includes('\x1b[?25h'));
    t.regex(terminal.screen, / echo /);
  } finally {
    terminal.kill();
    await agent.close();
  }
});
