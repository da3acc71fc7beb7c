// checkPassword with the machine's real libpam and its real modules, on service files of our own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { AgentError, asAgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import { checkPassword } from '../../../agent/accounts/password.ts';
import { makePamFolder, TAKES_ANY, type PamFolder } from './sandbox.ts';

const folder: PamFolder = makePamFolder();
test.after.always(() => {
  folder.remove();
});

/** 'good', or the code of the failure with its detail. */
async function outcomeOf(
  service: string,
  password: string | Buffer = 'secret word',
  timeoutMs = 30_000,
): Promise<string> {
  const pin = new Pin(Buffer.from(password));
  try {
    await checkPassword({ service, user: 'alice', confdir: folder.path, password: pin, timeoutMs });
    return 'good';
  } catch (error) {
    const { code, detail } = asAgentError(error);
    return `${code}: ${detail}`;
  }
}

test('a stack that asks for the password and takes it', async (t) => {
  folder.service('any', [TAKES_ANY]);
  t.is(await outcomeOf('any'), 'good');
});

test('L1: a stack that says yes without asking has checked nothing', async (t) => {
  folder.service('permit', ['required pam_permit.so']);
  t.regex(await outcomeOf('permit'), /^internal: .*never asked for the password/);
});

test('a stack that refuses', async (t) => {
  folder.service('deny', ['required pam_deny.so']);
  t.is(await outcomeOf('deny'), 'wrong-password: pam_authenticate said 7');
});

test('a good password of an account that may not log in', async (t) => {
  folder.service('locked', [TAKES_ANY], ['required pam_deny.so']);
  t.regex(await outcomeOf('locked'), /^not-allowed: pam_acct_mgmt said \d+$/);
});

test('L24: a second question is not answered with the password', async (t) => {
  folder.service('twice', [TAKES_ANY, TAKES_ANY]);
  t.regex(await outcomeOf('twice'), /^internal: .*pam_authenticate said/);
});

test('a service that does not exist, and a service file that makes no sense', async (t) => {
  t.regex(await outcomeOf('nowhere'), /^internal: .*pam_start said/);
  folder.service('nonsense', ['required pam_no_such_module.so']);
  t.regex(await outcomeOf('nonsense'), /^(internal|wrong-password): /);
});

test('what no password can be does not reach PAM', async (t) => {
  folder.service('any-2', [TAKES_ANY]);
  t.regex(await outcomeOf('any-2', ''), /^wrong-password: /);
  t.regex(await outcomeOf('any-2', Buffer.from('secret\0word')), /^wrong-password: /);
  t.is(await outcomeOf('any-2', 'x'.repeat(511)), 'good');
});

test('names that cannot be meant', async (t) => {
  const check = async (service: string, user: string) =>
    await t.throwsAsync(
      checkPassword({
        service,
        user,
        password: new Pin(Buffer.from('x')),
        confdir: folder.path,
        timeoutMs: 30_000,
      }),
      { instanceOf: AgentError, code: 'invalid-argument' },
    );
  await check('', 'alice');
  await check('any', '');
  await check('any', 'al\0ice');
  await check('x'.repeat(2000), 'alice');
});

interface Hung {
  readonly outcome: Promise<string>;
  readonly child: number;
  readonly timeoutMs: number;
}

/**
 * A module that runs a program of ours in the middle of pam_authenticate: the child's id once it is there. On a busy machine
 * the child may need more than the time it has to come to its module: then it gets more.
 */
async function hang(t: ExecutionContext, service: string, timeoutMs: number): Promise<Hung> {
  const fifo = join(folder.path, `${service}.pid`);
  const script = join(folder.path, `${service}.sh`);
  await once(spawn('mkfifo', [fifo]), 'exit');
  writeFileSync(script, `#!/bin/sh\necho $$ > ${fifo}\nexec sleep 1000\n`);
  chmodSync(script, 0o755);
  folder.service(service, [`required pam_exec.so ${script}`]);
  const outcome = outcomeOf(service, 'secret word', timeoutMs);
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => reader.kill('SIGKILL'));
  const begun = once(reader.stdout, 'data');
  if ((await Promise.race([begun, outcome.then(() => null)])) === null)
    return hang(t, `${service}-again`, 4 * timeoutMs);
  const sleeper = Number(String((await begun)[0]));
  // The module's own program goes on when the child is killed: it is this test's to end.
  t.teardown(() => process.kill(sleeper, 'SIGKILL'));
  const stat = readFileSync(`/proc/${sleeper}/stat`, 'latin1');
  return { outcome, child: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), timeoutMs };
}

function isAlive(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid));
}

test('a module that hangs: the time is up, the child is gone, and we have lived on', async (t) => {
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 20);
  const { outcome, child, timeoutMs } = await hang(t, 'hangs', 3000);
  t.true(isAlive(child));
  const before = ticks;
  t.is(await outcome, `internal: PAM took longer than ${timeoutMs} ms`);
  clearInterval(ticking);
  t.false(isAlive(child));
  t.true(ticks > before, 'the event loop went on');
});

test('a module that crashes takes only the child with it', async (t) => {
  const { outcome, child } = await hang(t, 'crashes', 60_000);
  process.kill(child, 'SIGSEGV');
  t.regex(await outcome, /^internal: check-password: SIGSEGV/);
});

test('L2: a module that ends the process with exit code 0 has said nothing', async (t) => {
  const source = join(folder.path, 'exits.c');
  const module = join(folder.path, 'exits.so');
  writeFileSync(
    source,
    '#include <unistd.h>\nint pam_sm_authenticate(void *h, int f, int c, const char **v) { _exit(0); }\n',
  );
  const compiler = spawn('cc', ['-shared', '-fPIC', '-o', module, source], { stdio: 'ignore' });
  t.deepEqual(await once(compiler, 'exit'), [0, null]);
  folder.service('exits', [`required ${module}`]);
  t.is(await outcomeOf('exits'), 'internal: check-password ended without a verdict');
});

test('a request that is cut off', async (t) => {
  const program = join(import.meta.dirname, '../../../agent/accounts/check-password.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.end(Buffer.from([0, 9, 0]));
  let line = '';
  child.stdout.on('data', (chunk: Buffer) => (line += chunk.toString()));
  t.deepEqual(await once(child, 'close'), [3, null]);
  t.regex(line, /^malformed: the request ends too early/);
});

test('the password is in no argument and no environment of the child', async (t) => {
  const { outcome, child } = await hang(t, 'looked-at', 60_000);
  const seen = `${readFileSync(`/proc/${child}/cmdline`, 'latin1')}${readFileSync(`/proc/${child}/environ`, 'latin1')}`;
  t.true(seen.includes('check-password'));
  t.false(seen.includes('secret word'));
  process.kill(child, 'SIGKILL');
  t.regex(await outcome, /^internal: /);
});

test.serial('every path gives its secret buffers back', async (t) => {
  const before = freeSecretSlots();
  folder.service('slots-good', [TAKES_ANY]);
  folder.service('slots-bad', ['required pam_deny.so']);
  for (const service of ['slots-good', 'slots-bad', 'nowhere', '', 'x'.repeat(2000)])
    await outcomeOf(service);
  await outcomeOf('slots-good', '');
  t.is(freeSecretSlots(), before);
});
