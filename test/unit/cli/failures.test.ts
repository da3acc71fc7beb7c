// What sc_auth says and ends with when it is used wrongly, or when scauthd refuses, answers oddly or not at all.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { EXIT, EXIT_MEANINGS } from '../../../agent/cli/exit-codes.ts';
import { COMMANDS } from '../../../agent/cli/overview.ts';
import { HASH, startFakeAgent, type Script } from './fake-agent.ts';
import { KEPT, NODE, runHere, runProcess, type Outcome } from './run-sc-auth.ts';

async function against(
  t: ExecutionContext,
  script: Script,
  args: readonly string[] = ['list'],
  replyTimeoutMs = 10_000,
): Promise<Outcome> {
  const agent = await startFakeAgent(script);
  try {
    const outcome = await runHere(agent.path, args, { replyTimeoutMs });
    t.deepEqual(agent.failures, []);
    return outcome;
  } finally {
    await agent.close();
  }
}

test('scauthd is not there: what to do, exit code 5', async (t) => {
  const { code, out, err } = await runHere('/nowhere/io.scauth', ['list']);
  t.is(code, 5);
  t.is(out, '');
  t.is(
    err,
    'scauthd cannot be reached at /nowhere/io.scauth. Start it: systemctl start scauthd. What is wrong: systemctl status scauthd\n',
  );
  const json = await runHere('/nowhere/io.scauth', ['list', '--json']);
  t.like(JSON.parse(json.out), { error: 'unreachable', triesLeft: null });
  t.is(json.err, '');
});

test('a socket path that is too long is a sentence as well', async (t) => {
  t.is((await runHere(`/${'x'.repeat(200)}`, ['list'])).code, 5);
});

test('scauthd never answers', async (t) => {
  const { code, err } = await against(t, () => undefined, ['list'], 300);
  t.is(code, 5);
  t.is(
    err,
    'scauthd has not answered for 300 milliseconds. Try again; if that does not help: systemctl restart scauthd\n',
  );
});

test('the wait is for the whole reply: drops do not prolong it', async (t) => {
  const drops: NodeJS.Timeout[] = [];
  const drip: Script = (_call, caller) => {
    drops.push(
      setInterval(() => {
        caller.raw(' ');
      }, 20),
    );
  };
  const { code, err } = await against(t, drip, ['list'], 300);
  drops.forEach(clearInterval);
  t.is(code, 5);
  t.regex(err, /^scauthd has not answered for 300 milliseconds\./);
});

test('scauthd closes in the middle', async (t) => {
  for (const bytes of ['', '{"parameters":', '\0'.repeat(0)]) {
    const { code, err } = await against(t, (_call, caller) => {
      caller.raw(bytes);
      caller.end();
    });
    t.is(code, 5);
    t.is(err, 'scauthd closed the connection without an answer. Its log says why: journalctl -u scauthd\n');
  }
});

test('what is no reply is said to be none', async (t) => {
  for (const bytes of [
    '\0',
    'garbage\0',
    '[]\0',
    '{"parameters":{}}\0',
    '{"parameters":{"pairings":7}}\0',
    '{"parameters":{"pairings":[null]}}\0',
    '{"parameters":{"pairings":[{"user":"alice"}]}}\0',
    '{"error":"org.varlink.service.MethodNotFound"}\0',
    '{"error":"io.scauth.Failed","parameters":{}}\0',
    'x'.repeat(70_000),
  ]) {
    const { code, out, err } = await against(t, (_call, caller) => {
      caller.raw(bytes);
    });
    t.is(code, 1, bytes.slice(0, 50));
    t.is(out, '');
    t.regex(err, /^sc_auth does not understand the answer of scauthd\. .*systemctl restart scauthd\n$/);
  }
});

test("scauthd's own words, and an exit code for scripts", async (t) => {
  for (const [code, exit] of [
    ['wrong-pin', 3],
    ['pin-blocked', 3],
    ['not-allowed', 3],
    ['no-card', 4],
    ['not-paired', 4],
    ['unknown-user', 4],
    ['store-unreadable', 1],
    ['invalid-argument', 2],
    ['a-code-of-tomorrow', 1],
    ['toString', 1],
  ] as const) {
    const script: Script = (_call, caller) => {
      caller.fail('io.scauth.Failed', { code, message: 'What happened. What to do.', triesLeft: 2 });
    };
    const { code: exitCode, err } = await against(t, script);
    t.is(exitCode, exit, code);
    t.is(err, 'What happened. What to do.\n');
    const json = await against(t, script, ['list', '--json']);
    t.is(json.code, exit);
    t.deepEqual(JSON.parse(json.out), { error: code, message: 'What happened. What to do.', triesLeft: 2 });
  }
});

test('not allowed by scauthd: exit code 3 and the next step', async (t) => {
  const { code, err } = await against(t, (_call, caller) => {
    caller.fail('org.varlink.service.PermissionDenied');
  });
  t.is(code, 3);
  t.is(err, 'That is for the administrator. Run it with sudo.\n');
});

test('wrong usage: exit code 2, and what was typed in the wrong place is not repeated', async (t) => {
  for (const [args, err] of [
    [['lsit'], /^There is no command 'lsit'\. Did you mean: sc_auth list$/],
    [['\x1b[2J'], /^There is no command '\?\[2J'\. All commands: sc_auth --help$/],
    [['constructor'], /^There is no command 'constructor'\./],
    [['list', '--foo'], /^Unknown option '--foo'\. See: sc_auth list --help$/],
    [['list', '-u'], /^Option '-u, --user <value>' argument missing\. See: sc_auth list --help$/],
    [['verifypin', '123456'], /^A value needs its option in front of it\. See: sc_auth verifypin --help$/],
    [['verifypin', '--pin-fd', 'x'], /^--pin-fd takes the number of an open file\.$/],
    [['verifypin', '--pin-fd', '3', '-p', '123456'], /^Give -p or --pin-fd, not both\.$/],
    [['pair', '-u', 'alice', '-h', 'ABC'], /^A hash has 40 hexadecimal digits\. .*: sc_auth identities$/],
    [['pair', '-u', 'alice', '-h', HASH, '--certificate', 'x'], /^Give -h or --certificate, not both\.$/],
    [['pair', '-u', 'alice', '-h', HASH, '--pin-fd', '3'], /^As root nothing secret is asked for/],
  ] as const) {
    const outcome = await runHere('/nowhere', args);
    t.is(outcome.code, 2, args.join(' '));
    t.regex(outcome.err.trimEnd(), err);
    t.is(outcome.out, '');
  }
});

test('U: sc_auth alone, -h, help and -v do what a person expects', async (t) => {
  const { out: overview } = await runHere('/nowhere', ['--help']);
  t.like(await runHere('/nowhere', []), { code: 2, out: '', err: overview });
  for (const args of [['-h'], ['help'], ['help', '--json']])
    t.like(await runHere('/nowhere', args), { code: 0, out: overview }, args.join(' '));
  const { out: ofConfig } = await runHere('/nowhere', ['config', '--help']);
  for (const args of [
    ['help', 'config'],
    ['config', '-h'],
    ['-h', 'config'],
    ['config', 'check', '-h'],
  ])
    t.like(await runHere('/nowhere', args), { code: 0, out: ofConfig }, args.join(' '));
  t.is((await runHere('/nowhere', ['-v'])).out, (await runHere('/nowhere', ['--version'])).out);
  // -h HASH: an empty hash in a script must not look like success.
  for (const command of ['pair', 'unpair'])
    t.like(await runHere('/nowhere', [command, '-h']), {
      code: 2,
      out: '',
      err: `Option '-h, --hash <value>' argument missing. See: sc_auth ${command} --help\n`,
    });
});

test('U: a mistyped first or second word gets the nearest one, and is said again only where it is no value', async (t) => {
  for (const [typed, meant] of [
    ['halp', 'help'],
    ['help enfroce', 'enforce'],
    ['audit serch', 'audit search'],
    ['enforce plna', 'enforce plan'],
    ['keyring enabel', 'keyring enable'],
    ['config chek', 'config check'],
    ['map tets', 'map test'],
  ] as const) {
    const { code, err } = await runHere('/nowhere', typed.split(' '));
    t.is(code, 2);
    t.true(err.endsWith(`Did you mean: sc_auth ${meant}\n`), err);
  }
  for (const command of ['audit', 'enforce', 'keyring', 'config', 'map'])
    for (const more of [[], ['739154']]) {
      const { code, err } = await runHere('/nowhere', [command, ...more]);
      t.is(code, 2);
      t.regex(
        err,
        new RegExp(`^Say what to do: sc_auth ${command} [a-z|]+\\. See: sc_auth ${command} --help$`, 'm'),
      );
      t.notRegex(err, /739154/);
    }
});

test('U: one table has each exit code, and no help names another', async (t) => {
  const { out: overview } = await runHere('/nowhere', ['--help']);
  const listed = EXIT_MEANINGS.map(([code]) => code);
  t.deepEqual(
    listed.toSorted((a, b) => a - b),
    Object.values(EXIT).toSorted((a, b) => a - b),
  );
  for (const [code, meaning] of EXIT_MEANINGS)
    t.regex(overview.replace(/\s+/g, ' '), new RegExp(` ${code} ${meaning.slice(0, 30)}`));
  for (const name of Object.keys(COMMANDS)) {
    const { out } = await runHere('/nowhere', [name, '--help']);
    const named = [...(out.split('Exit codes:')[1] ?? '').matchAll(/(?:^|; )(\d+) /g)];
    for (const [, code] of named)
      t.true(
        listed.some((one) => one === Number(code)),
        `${name}: ${code ?? ''}`,
      );
  }
});

test('--help of each command has examples and exit codes, and needs no scauthd', async (t) => {
  const overview = (await runHere('/nowhere', ['--help'])).out;
  t.regex(overview, /Exit codes:/);
  const listed = [...overview.matchAll(/^ {2}sc_auth ([\w-]+) {2,}(.*)/gm)];
  t.true(listed.length > 20);
  for (const [, name = '', does = ''] of listed) {
    const { code, out } = await runHere('/nowhere', [name, '--help']);
    t.is(code, 0);
    t.regex(out, new RegExp(`^sc_auth ${name}[ \n]`));
    // What macOS has and we refuse needs no example of it.
    t.regex(out, does.startsWith('refused') ? /Exit codes: 3/ : /Example.*Exit codes: 0/s);
    for (const line of `${overview}\n${out}`.split('\n')) t.true(line.length <= 80, line);
  }
  t.regex((await runHere('/nowhere', ['--version'])).out, /^sc_auth \d+\.\d+\.\d+\n$/);
});

/** Runs sc_auth with the descriptor `closed` on a pipe whose reader has ended before. */
async function closedPipe(closed: 1 | 2, ...args: string[]): Promise<{ code: number | null; err: string }> {
  const command = `exec 3> >(exec true); wait $!; exec "$@" ${closed}>&3`;
  const child = spawn('bash', ['-c', command, 'bash', ...NODE, ...args], {
    env: { PATH: process.env['PATH'], SCAUTH_IO_SOCKET: '/nowhere/io.scauth', ...KEPT },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}

test('as a process: exit code, and a reader that goes away is no failure', async (t) => {
  const { code, err } = await runProcess('/nowhere/io.scauth', ['list']);
  t.is(code, 5);
  t.regex(err, /^scauthd cannot be reached/);
  t.deepEqual(await closedPipe(1, '--help'), { code: 0, err: '' });
  t.deepEqual(await closedPipe(2, 'verifypin', '-p', '123456'), { code: 5, err: '' });
});
