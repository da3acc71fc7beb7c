// The sandbox itself: it gives what it promises, and leaves nothing behind.
// What the programs in it do is tested elsewhere, sandbox-card in sandbox-card.test.ts.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { temporaryFolder } from '../../unit/base/folders.ts';
import { BREAK_GLASS_PROMPT, enforced } from '../person/enforcement.ts';
import * as person from '../person/person.ts';
import { REPOSITORY } from './namespace.ts';
import { Sandbox } from './sandbox.ts';
import { sandboxCommand } from './sandbox-command.ts';

const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

/** The machine's files that a sandbox must not touch, in one number. */
function machineFiles(): string {
  const hash = createHash('sha256');
  const files = readdirSync('/etc/pam.d').map((name) => `/etc/pam.d/${name}`);
  for (const file of [
    ...files,
    '/etc/passwd',
    '/etc/shadow',
    '/etc/sudoers',
    '/etc/login.defs',
    '/etc/hosts',
  ]) {
    hash.update(file).update(existsSync(file) ? readFileSync(file) : 'absent');
  }
  const modules = readFileSync('/proc/self/mountinfo', 'utf8');
  return hash.update(modules).digest('hex');
}

/** Ids, as the machine counts them, of the processes in the process namespace `namespace`. */
function processesIn(namespace: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/ns/pid`) === namespace;
    } catch {
      return false; // ended in the meantime
    }
  });
}

test('two sandboxes at once have files, readers and accounts of their own, and leave nothing', async (t) => {
  const before = machineFiles();
  const two = await Promise.all([
    Sandbox.start({ agent: false, card: 'none' }),
    Sandbox.start({ agent: false, card: 'none', user: 'grace', config: '# two\n' }),
  ]);
  const namespaces = two.map((sandbox) => readlinkSync(`/proc/${sandbox.namespace.initPid}/ns/pid`));
  const [one, other] = await Promise.all(
    two.map((sandbox) => sandbox.exec(['sh', '-c', 'cat /etc/scauth/*; opensc-tool -l'])),
  );
  t.regex(one?.stdout ?? '', /Virtual PCD/);
  t.regex(other?.stdout ?? '', /# two[^]*Virtual PCD/);
  t.not((await two[0].exec(['id', 'grace'])).code, 0);
  t.is((await two[1].exec(['id', '-un'], { user: 'grace' })).stdout, 'grace\n');
  t.is(machineFiles(), before);

  await Promise.all(two.map((sandbox) => sandbox.stop()));
  for (const namespace of namespaces) t.deepEqual(processesIn(namespace), []);
  t.is(machineFiles(), before);
  t.false(existsSync('/run/sandbox'));
});

test('what root makes there where programs and administrators keep files is not on the machine', async (t) => {
  const sandbox = await Sandbox.start({ card: 'none' });
  try {
    const made = ['/var/lib', '/var/log', '/srv', '/etc', '/run'].map((folder) => `${folder}/of-a-sandbox`);
    const { code, stderr } = await sandbox.exec(['mkdir', ...made]);
    t.is(code, 0, stderr);
    t.true(made.every((folder) => existsSync(sandbox.path(folder))));
    t.deepEqual(made.filter(existsSync), []);
  } finally {
    await sandbox.stop();
  }
});

test('a killed parent takes the whole sandbox with it', async (t) => {
  const parent = spawn(NODE[0] ?? '', [
    ...NODE.slice(1),
    '--input-type=module-typescript',
    '--eval',
    `import { Sandbox } from ${JSON.stringify(join(REPOSITORY, 'test/kit/sandbox/sandbox.ts'))};
     const sandbox = await Sandbox.start({ agent: false, card: 'p256' });
     sandbox.pty(['sleep', 'infinity'], { user: sandbox.user });
     console.log(sandbox.namespace.initPid);`,
  ]);
  const [bytes] = (await once(parent.stdout, 'data')) as [Buffer];
  const namespace = readlinkSync(`/proc/${bytes.toString().trim()}/ns/pid`);
  t.true(processesIn(namespace).length >= 4);
  parent.kill('SIGKILL');
  await once(parent, 'close');
  // The kernel ends them by itself; only the order is not promised.
  while (processesIn(namespace).length > 0) await pause(5);
  t.pass();
});

test('the command gets its input, its variables and a clean output, and its exit code is ours', async (t) => {
  const script =
    'cat; echo "$SCAUTH_USER $SCAUTH_PIN $SCAUTH_VPCD_PORT"; ls "$SCAUTH_PAM_DIR/scauth-test"; command -v sc_auth; exit 7';
  const { code, stdout } = await sandboxCommand(
    ['--no-agent', '--card', 'none', 'sh', '-c', script],
    'typed\n',
  );
  t.is(code, 7);
  t.is(stdout, 'typed\nada 246813 35963\n/etc/pam.d/scauth-test\n/run/sandbox/app/install/bin/sc_auth\n');
});

test('a wrong option or a sandbox that cannot be is no success', async (t) => {
  t.is((await sandboxCommand(['--no-agent', '--cart', 'p256', 'true'])).code, 64);
  t.is((await sandboxCommand(['--no-agent', '--card', 'rsa12', 'true'])).code, 125);
});

test('options that cannot be met are refused by a sentence, and nothing is started', async (t) => {
  const refused: [string[], RegExp][] = [
    [['--readers', '3'], /even number from 2 to 16, not '3'/],
    [['--readers', '20'], /pcscd has room for 16 readers/],
    [['--readers', '2', '--card', 'p256', '--card', 'p384', '--card', 'p256'], /--readers 4/],
    [['--reader', '--readers', '4'], /one of --reader and --readers/],
    [['--card', 'none', '--card', 'p256'], /give it alone/],
    [['--config', '/nonexistent.toml'], /--config: ENOENT/],
  ];
  for (const [args, why] of refused) {
    const { code, stderr } = await sandboxCommand(['--no-agent', ...args, 'true']);
    t.is(code, 64, args.join(' '));
    t.regex(stderr, why);
    t.regex(stderr, /Try: npm run sandbox -- --help/);
  }
});

test('--help names each option and each variable of the sandbox', async (t) => {
  const { code, stdout } = await sandboxCommand(['--help']);
  t.is(code, 0);
  const sandbox = await Sandbox.start({ agent: false, card: 'none' });
  t.teardown(() => sandbox.stop());
  // SCAUTH_TEST_… are of npm test.
  const variables = Object.keys(sandbox.environment()).filter((name) => /^SCAUTH_(?!TEST_)/.test(name));
  t.true(variables.length > 10);
  for (const word of [...variables, '--readers N', '--config FILE', '--enforced', 'sandbox-card'])
    t.true(stdout.includes(word), word);
});

test('--readers, several --card and --config are what is in there', async (t) => {
  const config = join(temporaryFolder(t), 'my.toml');
  writeFileSync(config, '[login]\n# mine\n');
  const script =
    'opensc-tool -l; sandbox-card list; cat "$SCAUTH_CONFIG"; echo "$SCAUTH_READERS readers"; sc_auth identities';
  const { code, stdout, stderr } = await sandboxCommand([
    ...['--readers', '6', '--card', 'p256', '--card', 'p384', '--card', 'ed25519', '--config', config],
    ...['sh', '-c', script],
  ]);
  t.is(code, 0, stderr);
  t.deepEqual(
    [...stdout.matchAll(/^(\d+) +(Yes|No) +Virtual PCD/gm)].map(([, index, card]) => `${index} ${card}`),
    ['0 Yes', '1 Yes', '2 Yes', '3 No', '4 No', '5 No'],
  );
  t.regex(stdout, /^3\treader 2\tin\ttries 3\tCN=Ada Lovelace 3$/m);
  t.true(stdout.includes('[login]\n# mine\n'));
  t.regex(stdout, /^6 readers$/m);
  t.is(stdout.match(/^[0-9A-F]{40}\t/gm)?.length, 3, 'three keys');
});

test('as many readers as pcscd has room for', async (t) => {
  const { stdout } = await sandboxCommand([
    '--no-agent',
    '--card',
    'none',
    '--readers',
    '16',
    'sh',
    '-c',
    'sandbox-card add --reader 15; opensc-tool -l',
  ]);
  t.is(stdout.match(/Virtual PCD/g)?.length, 16);
  t.regex(stdout, /^15 +Yes/m);
});

test('with --enforced a password opens nothing where the card is required', async (t) => {
  const sandbox = await Sandbox.start({ enforced: true });
  t.teardown(() => sandbox.stop());
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  const byPassword = (): Promise<{ code: number }> =>
    person.sudo(sandbox, [person.PIN_PROMPT, ''], [person.PASSWORD_PROMPT, sandbox.password]);
  t.is((await byPassword()).code, 0);
  await enforced(sandbox, 'on');
  t.not(
    (
      await person.sudo(
        sandbox,
        [person.PIN_PROMPT, ''],
        [person.PASSWORD_PROMPT, sandbox.password],
        [BREAK_GLASS_PROMPT, ''],
      )
    ).code,
    0,
  );
  await person.expectCardLogin(sandbox);
});

test('a program gets a real terminal, and sudo there takes the account password', async (t) => {
  const sandbox = await Sandbox.start({ agent: false, card: 'none' });
  t.teardown(() => sandbox.stop());
  const script = 'test -t 0 && stty size </dev/tty && sudo -k id -un; exit 3';
  const pty = sandbox.pty(['sh', '-c', script], { user: sandbox.user, size: { rows: 31, columns: 99 } });
  await pty.expect('31 99');
  await pty.expect(/password[^\n]*: $/i);
  t.false(pty.screen.includes('root\r\n'));
  pty.send(`${sandbox.password}\n`);
  const { code, screen } = await pty.exit;
  t.is(code, 3);
  t.true(screen.includes('root\r\n'));
  t.false(screen.includes(sandbox.password));
});

test('the user has no rights of root: not on the repository, the state and the logs', async (t) => {
  const sandbox = await Sandbox.start({ agent: false, card: 'none' });
  t.teardown(() => sandbox.stop());
  const script =
    'for f in /run/sandbox/app/x /etc/x /run/scauth/x; do touch $f && echo $f; done; ls /run/sandbox/state; sudo -n id';
  const { code, stdout } = await sandbox.exec(['sh', '-c', script], { user: sandbox.user });
  t.is(stdout, '');
  t.not(code, 0);
  t.not((await sandbox.exec(['touch', '/run/sandbox/app/x'])).code, 0, 'read-only for root too');
});

test('pcscd can be restarted: the card comes back by itself', async (t) => {
  const sandbox = await Sandbox.start({ agent: false });
  t.teardown(() => sandbox.stop());
  await sandbox.restartPcscd();
  t.regex((await sandbox.exec(['opensc-tool', '-l'])).stdout, /0 +Yes/);
});
