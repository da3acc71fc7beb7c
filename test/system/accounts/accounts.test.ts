// checkPassword with pam_unix and throw-away accounts: in a mount namespace, files of our own are bound over
// /etc/passwd and /etc/shadow, so the machine's own are never touched.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makePamFolder } from './sandbox.ts';

// openssl passwd -6 -salt scauth 'secret word'
const HASH =
  '$6$scauth$POlGTzBtJ8x7lVOtoXHkAS52uECwrROtOP8BDrSMFa6DxfBVvygvZK36odhBHAMtn6yRCZ8w4adGvQPmwg0Lz/';
const folder = makePamFolder();
const accounts = join(folder.path, 'passwd');
const shadow = join(folder.path, 'shadow');

test.before(() => {
  const names = ['alice', 'expired', 'stale', 'locked', 'open'];
  const entries = names.map((name, index) => `${name}:x:${5000 + index}:5000::/nonexistent:/bin/sh`);
  writeFileSync(accounts, ['root:x:0:0:root:/root:/bin/sh', ...entries, ''].join('\n'));
  // shadow(5): last change, minimum, maximum, warning, inactive, expiry: days.
  writeFileSync(
    shadow,
    [
      'root:*:20000:0:99999:7:::',
      `alice:${HASH}:20000:0:99999:7:::`,
      `expired:${HASH}:20000:0:99999:7::1000:`,
      `stale:${HASH}:0:0:99999:7:::`,
      `locked:!${HASH}:20000:0:99999:7:::`,
      'open::20000:0:99999:7:::',
      '',
    ].join('\n'),
  );
  chmodSync(shadow, 0o600);
  folder.service('unix', ['required pam_unix.so nodelay nullok'], ['required pam_unix.so']);
});
test.after.always(() => {
  folder.remove();
});

async function check(user: string, password: string): Promise<string> {
  const root = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const mounts = 'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/shadow && shift 2 && exec "$@"';
  const program = join(import.meta.dirname, 'check-in-namespace.ts');
  const node = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    program,
    'unix',
    user,
    folder.path,
  ];
  const child = spawn('unshare', [...root, '--mount', 'sh', '-ec', mounts, 'sh', accounts, shadow, ...node], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(password);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await once(child, 'close');
  return out.trim();
}

test('pam_unix: the right password', async (t) => {
  t.is(await check('alice', 'secret word'), 'good');
});

test('pam_unix: a wrong password, and an unknown user', async (t) => {
  t.is(await check('alice', 'secret wort'), 'wrong-password: pam_authenticate said 7');
  t.regex(await check('nobody-of-that-name', 'secret word'), /^wrong-password: /);
});

test('pam_unix: expired accounts, and passwords that must be changed', async (t) => {
  t.is(await check('expired', 'secret word'), 'not-allowed: pam_acct_mgmt said 13');
  t.is(await check('stale', 'secret word'), 'not-allowed: pam_acct_mgmt said 12');
});

test('pam_unix: a locked password', async (t) => {
  t.regex(await check('locked', 'secret word'), /^wrong-password: /);
});

test('L6: an account without a password is not opened by any', async (t) => {
  t.regex(await check('open', ''), /^wrong-password: /);
  t.regex(await check('open', 'anything'), /^wrong-password: /);
});
