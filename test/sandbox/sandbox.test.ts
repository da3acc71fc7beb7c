// The sandbox itself: it gives what it promises, and leaves nothing behind.
// What the programs in it do is tested elsewhere; scauthd is not needed here.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { REPOSITORY } from './namespace.ts';
import { Sandbox } from './sandbox.ts';

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

/** Runs `npm run sandbox`'s program without a terminal. */
async function sandboxCommand(args: string[], input = ''): Promise<{ code: number | null; stdout: string }> {
  const [program = '', ...flags] = NODE;
  const child = spawn(program, [...flags, join(REPOSITORY, 'test/sandbox/main.ts'), '--no-agent', ...args]);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
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

test('a killed parent takes the whole sandbox with it', async (t) => {
  const parent = spawn(NODE[0] ?? '', [
    ...NODE.slice(1),
    '--input-type=module-typescript',
    '--eval',
    `import { Sandbox } from ${JSON.stringify(join(REPOSITORY, 'test/sandbox/sandbox.ts'))};
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
  const { code, stdout } = await sandboxCommand(['--card', 'none', 'sh', '-c', script], 'typed\n');
  t.is(code, 7);
  t.is(stdout, 'typed\nada 123456 35963\n/etc/pam.d/scauth-test\n/run/sandbox/app/install/bin/sc_auth\n');
});

test('a wrong option or a sandbox that cannot be is no success', async (t) => {
  t.is((await sandboxCommand(['--cart', 'p256', 'true'])).code, 64);
  t.is((await sandboxCommand(['--card', 'rsa12', 'true'])).code, 125);
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
