// What the relay carries: the items of begin, questions, messages, answers, and what a grant sets.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { ask, readBegin, tell, verdict, VERDICT, type ReceivedFrame } from './agent.ts';
import { buildPam } from './build.ts';
import { PAM, runPam, type Run } from './client.ts';

/** Styles of Linux-PAM (security/_pam_types.h). */
const STYLE = { promptEchoOff: 1, promptEchoOn: 2, errorMessage: 3, textInfo: 4 } as const;
const PAM_SILENT = 0x8000;

/** Status and secret of each answer that the agent got. */
function answers(run: Run): [status: number, secret: string][] {
  const frames: readonly ReceivedFrame[] = run.connections[0] ?? [];
  return frames
    .filter((received) => received.type === 5)
    .map(({ body }) => [body.readUInt8(0), body.toString('latin1', 3, 3 + body.readUInt16BE(1))]);
}

function beginOf(run: Run): ReturnType<typeof readBegin> {
  const first = run.connections[0]?.[0];
  if (first?.type !== 1) throw new Error(`no begin: ${run.output}`);
  return readBegin(first.body);
}

test.before(buildPam);

test('begin names phase, flags, service, user, terminal and who asks from where', async (t) => {
  const client = ['user=älice', 'tty=/dev/pts/7', 'rhost=192.0.2.9', 'ruser=bob', 'silent=1', 'authenticate'];
  const begin = beginOf(await runPam({ agent: ['read', verdict(VERDICT.denied)], client }));
  t.deepEqual(begin, {
    phase: 1,
    flags: PAM_SILENT,
    texts: ['test', 'älice', '/dev/pts/7', '192.0.2.9', 'bob'],
  });
});

test('begin: what is not set, or empty, is absent, and nobody is asked for a name', async (t) => {
  const run = await runPam({ agent: ['read', verdict(VERDICT.denied)], client: ['tty=', 'authenticate'] });
  t.deepEqual(beginOf(run).texts, ['test', null, null, null, null]);
  t.deepEqual(run.seen, []);
});

test('begin: a terminal or a remote user above the cap is absent', async (t) => {
  const long = 'x'.repeat(513);
  const client = ['user=alice', `tty=${long}`, `ruser=${long}`, 'authenticate'];
  const run = await runPam({ agent: ['read', verdict(VERDICT.denied)], client });
  t.deepEqual(beginOf(run).texts, ['test', 'alice', null, null, null]);
});

test('begin: fields of exactly the cap are sent', async (t) => {
  const full = 'y'.repeat(512);
  const client = [`user=${full}`, `tty=${full}`, `rhost=${full}`, `ruser=${full}`, 'authenticate'];
  const run = await runPam({ agent: ['read', verdict(VERDICT.denied)], client });
  t.deepEqual(beginOf(run).texts, ['test', full, full, full, full]);
});

test('questions and messages go to the application in their styles, answers come back', async (t) => {
  const agent = [
    'read',
    tell('Hello'),
    ask('PIN: ', 0),
    'read',
    tell('Oh', 1),
    ask('Name: ', 1),
    'read',
  ] as const;
  const run = await runPam({
    agent: [...agent, verdict(VERDICT.denied, { message: 'No. Next: the password.' })],
  });
  t.deepEqual(run.seen, [
    `told=${STYLE.textInfo}:Hello`,
    `asked=${STYLE.promptEchoOff}:PIN: `,
    `told=${STYLE.errorMessage}:Oh`,
    `asked=${STYLE.promptEchoOn}:Name: `,
    `told=${STYLE.errorMessage}:No. Next: the password.`,
  ]);
  t.deepEqual(answers(run), [
    [0, '123456'],
    [0, '123456'],
  ]);
  t.is(run.codes['authenticate'], PAM.AUTH_ERR);
});

// sudo always sets PAM_SILENT; without the errors nobody would learn how many tries are left.
test('PAM_SILENT leaves information out; questions and errors are shown', async (t) => {
  const agent = [
    'read',
    tell('Hello'),
    tell('Wrong PIN.', 1),
    ask('PIN: '),
    'read',
    verdict(VERDICT.granted, { message: 'Welcome' }),
  ] as const;
  const run = await runPam({ agent, client: ['user=alice', 'silent=1', 'authenticate'] });
  t.deepEqual(run.seen, [`told=${STYLE.errorMessage}:Wrong PIN.`, `asked=${STYLE.promptEchoOff}:PIN: `]);
  t.is(run.codes['authenticate'], PAM.SUCCESS);
});

for (const [mode, status, secret] of [
  ['answer:', 0, ''],
  ['answer:ÿ€', 0, Buffer.from('ÿ€').toString('latin1')],
  ['long:512', 0, '7'.repeat(512)],
  ['long:513', 1, ''],
  ['long:4096', 1, ''],
  ['error', 1, ''],
  ['error-with-response', 1, ''],
  ['null-array', 1, ''],
  ['null-string', 1, ''],
] as const) {
  test(`L5: conversation ${mode}: the agent gets status ${status} and ${secret.length} bytes`, async (t) => {
    const agent = ['read', ask('PIN: '), 'read', verdict(VERDICT.cancelled)] as const;
    const run = await runPam({ agent, client: ['user=alice', `conversation=${mode}`, 'authenticate'] });
    t.deepEqual(answers(run), [[status, secret]]);
    t.is(run.codes['authenticate'], PAM.CONV_ERR);
    t.is(run.exit, 0, run.output);
  });

  test(`L5: conversation ${mode}, and the agent has gone before the answer`, async (t) => {
    const client = ['user=alice', `conversation=${mode}`, 'authenticate'];
    const run = await runPam({ agent: ['read', ask('PIN: ')], client });
    t.is(run.codes['authenticate'], PAM.AUTHINFO_UNAVAIL);
    t.is(run.exit, 0, run.output);
  });
}

const RESTARTED = { client: ['user=alice', 'conversation=after:SOCKET.gone', 'authenticate'] };
const asked = `asked=${STYLE.promptEchoOff}:PIN: `;

const TOLD_WHY = 'The card service was interrupted while you typed, so it asks once more.';

test('C4: an agent that is restarted while the person types asks again, says why, and nobody sees the first answer', async (t) => {
  const run = await runPam({
    ...RESTARTED,
    agent: ['read', ask('PIN: '), 'gone'],
    laterAgent: ['read', ask('PIN: '), 'read', verdict(VERDICT.granted)],
  });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.deepEqual(run.seen, [asked, `told=${STYLE.textInfo}:${TOLD_WHY}`, asked]);
  t.deepEqual(
    run.connections.map((frames) => frames.map(({ type }) => type)),
    [[1], [1, 5]],
  );
  t.deepEqual(run.connections[1]?.[0], run.connections[0]?.[0]);
  t.is(run.leftOpen, '0');
});

test('an agent that goes a second time is none, and neither is one that went in its work', async (t) => {
  const twice = await runPam({ ...RESTARTED, agent: ['read', ask('PIN: '), 'gone'] });
  t.is(twice.codes['authenticate'], PAM.AUTHINFO_UNAVAIL, twice.output);
  t.is(twice.connections.length, 2);
  // What is not asked anew is not announced.
  const absent = await runPam({ ...RESTARTED, agent: ['read', ask('PIN: '), 'gone'], laterAgent: ['gone'] });
  t.deepEqual(absent.seen, [asked]);
  const working = await runPam({ agent: ['read', ask('PIN: '), 'read', 'gone'] });
  t.is(working.codes['authenticate'], PAM.AUTHINFO_UNAVAIL, working.output);
  t.is(working.connections.length, 1);
});

test('the user is the one of the second begin, and a grant for the first is none', async (t) => {
  const run = await runPam({
    agent: ['read', ask('PIN: '), 'gone'],
    laterAgent: ['read', verdict(VERDICT.granted, { user: 'alice' })],
    client: ['conversation=after:SOCKET.gone', 'authenticate'],
  });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.is(run.user, 'alice');
  t.deepEqual(
    run.connections.map(([begin]) => begin && readBegin(begin.body).texts[1]),
    [null, null],
  );
});

test('L5: messages survive a conversation that fails', async (t) => {
  const agent = ['read', tell('Hello'), verdict(VERDICT.granted, { message: 'Welcome' })] as const;
  for (const mode of ['error', 'null-array', 'error-with-response']) {
    const run = await runPam({ agent, client: ['user=alice', `conversation=${mode}`, 'authenticate'] });
    t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
    t.is(run.seen.length, 2);
    t.is(run.exit, 0, run.output);
  }
});

test('a grant names the user where the application did not', async (t) => {
  const agent = ['read', verdict(VERDICT.granted, { user: 'alice', message: 'Welcome' })] as const;
  const unnamed = await runPam({ agent, client: ['authenticate'] });
  t.is(unnamed.codes['authenticate'], PAM.SUCCESS);
  t.is(unnamed.user, 'alice');
  t.deepEqual(unnamed.seen, [`told=${STYLE.textInfo}:Welcome`]);
  const named = await runPam({ agent, client: ['user=alice', 'authenticate'] });
  t.is(named.codes['authenticate'], PAM.SUCCESS);
});

test('no verdict but a grant sets the user', async (t) => {
  for (const code of [VERDICT.denied, VERDICT.unavailable, VERDICT.unknownUser, VERDICT.cardRequired]) {
    const run = await runPam({ agent: ['read', verdict(code, { user: 'alice' })], client: ['authenticate'] });
    t.is(run.user, '(none)');
    t.not(run.codes['authenticate'], PAM.SUCCESS);
  }
});

/** Runs with pam_exec behind us, which writes the PAM_AUTHTOK that it sees; null if it saw none. */
async function authtokBehindUs(
  fields: Parameters<typeof verdict>[1],
  code: number,
  { conversation = 'error', moduleArguments = 'timeout=30' } = {},
): Promise<Buffer | null> {
  let file = '';
  let seen: Buffer | null = null;
  const stack = ['auth optional MODULE', 'auth optional pam_exec.so quiet expose_authtok FILE'];
  await runPam({
    agent: ['read', ask('PIN: '), 'read', verdict(code, fields)],
    client: ['user=alice', `conversation=${conversation}`, 'authenticate'],
    moduleArguments,
    stack,
    prepare: (place) => {
      file = join(place.folder, 'authtok');
      const service = join(place.confdir, 'test');
      place.writeService('test', [readFileSync(service, 'utf8').replace('FILE', `/usr/bin/tee ${file}`)]);
    },
    inspect: () => {
      if (existsSync(file)) seen = readFileSync(file);
    },
  });
  return seen;
}

test('the keyring secret of a grant reaches the rest of the stack as PAM_AUTHTOK', async (t) => {
  const seen = await authtokBehindUs({ authtok: 'k\u00e9yring secret' }, VERDICT.granted);
  t.is(seen?.toString().replace(/\0$/, ''), 'k\u00e9yring secret');
});

test('L24: without one there is no PAM_AUTHTOK after us: the PIN is not handed on', async (t) => {
  // pam_exec asks for a password if there is none; our conversation refuses, and so it sees nothing.
  const seen = await authtokBehindUs({}, VERDICT.granted);
  t.is(seen?.toString().replace(/\0/g, '') ?? '', '');
});

for (const code of [VERDICT.denied, VERDICT.unavailable]) {
  test(`a refusal (${code}) hands on what was typed instead of a PIN`, async (t) => {
    const seen = await authtokBehindUs({ authtok: 'correct horse' }, code);
    t.is(seen?.toString().replace(/\0/g, ''), 'correct horse');
    const cut = await authtokBehindUs({ authtok: 'cut\0off' }, code);
    t.is(cut?.toString().replace(/\0/g, '') ?? '', '');
  });
}

// As sddm and i3lock: each prompt gets what was typed first.
const ONE_SECRET = 'answer:735912';
const bare = (seen: Buffer | null): string | undefined => seen?.toString().replace(/\0/g, '');

test('C3: with only_secret a module behind a grant asks nothing, so a PIN does not come into PAM_AUTHTOK', async (t) => {
  const how = { conversation: ONE_SECRET, moduleArguments: 'timeout=30 only_secret' };
  t.is(bare(await authtokBehindUs({}, VERDICT.granted, how)), '');
  t.is(bare(await authtokBehindUs({ authtok: 'of the keyring' }, VERDICT.granted, how)), 'of the keyring');
  // What it is for: without it that is what they get.
  t.is(bare(await authtokBehindUs({}, VERDICT.granted, { conversation: ONE_SECRET })), '735912');
  // After a refusal the password is asked for as ever.
  for (const code of [VERDICT.denied, VERDICT.unavailable])
    t.is(bare(await authtokBehindUs({}, code, how)), '735912');
});

test('C3: a password that an earlier module collected stays', async (t) => {
  const run = await runPam({
    agent: ['read', verdict(VERDICT.granted)],
    client: ['user=alice', 'conversation=answer:of an earlier one', 'authenticate'],
    moduleArguments: 'timeout=30 only_secret',
    stack: [
      'auth optional pam_exec.so quiet expose_authtok /bin/true',
      'auth required MODULE',
      `auth required pam_exec.so expose_authtok stdout /usr/bin/tr -d '\\0'`,
    ],
  });
  t.is(run.codes['authenticate'], PAM.SUCCESS, run.output);
  t.is(run.seen.filter((line) => line.startsWith('asked=')).length, 1, run.output);
});
