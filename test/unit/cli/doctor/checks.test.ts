// The checks of sc_auth doctor that look at files, on a root of their own: each thing that is wrong is named with its
// repair, and a machine that is right is called so.
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Check } from '../../../../agent/cli/doctor/check.ts';
import { checkClock } from '../../../../agent/cli/doctor/clock.ts';
import { checkFiles } from '../../../../agent/cli/doctor/files.ts';
import { pamOpensKeyrings } from '../../../../agent/accounts/keyring-modules.ts';
import { checkPam } from '../../../../agent/cli/doctor/pam.ts';
import test from 'ava';
import { NOBODY, rootTest, temporaryFolder } from '../../base/folders.ts';

function put(root: string, path: string, text = '', mode = 0o644): string {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

function folder(root: string, path: string, mode: number): string {
  mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, path), mode);
  return join(root, path);
}

/** One thing is wrong, it is said, and there is a repair. */
function expect(t: ExecutionContext, checks: readonly Check[], state: Check['state'], says: RegExp): void {
  t.is(checks.length, 1, JSON.stringify(checks));
  const [check] = checks;
  t.is(check?.state, state);
  t.regex(check?.detail ?? '', says);
  t.is(check?.repair === null, state === 'ok');
  if (state !== 'ok') t.true((check?.repair ?? '').length > 5);
}

async function goodFiles(t: ExecutionContext): Promise<string> {
  const root = temporaryFolder(t);
  folder(root, 'run/scauth', 0o755);
  folder(root, 'run/scauth/root', 0o700);
  for (const name of ['pam.sock', 'io.scauth']) {
    const path = join(root, 'run/scauth', name);
    const server = createServer().listen(path);
    await once(server, 'listening');
    t.teardown(() => {
      server.close();
    });
    chmodSync(path, 0o666);
  }
  put(root, 'etc/scauth/scauth.toml');
  folder(root, 'var/lib/scauth', 0o700);
  put(root, 'var/lib/scauth/scauth.db', '', 0o600);
  folder(root, 'var/log/scauth', 0o750);
  put(root, 'var/log/scauth/audit.jsonl', '', 0o640);
  return root;
}

rootTest('files: as they should be, and each that is not', async (t) => {
  const root = await goodFiles(t);
  expect(t, checkFiles(root), 'ok', /as they should be/);
  const wrong: readonly (readonly [path: string, bad: number, good: number])[] = [
    ['run/scauth', 0o700, 0o755],
    ['run/scauth/pam.sock', 0o600, 0o666],
    ['etc/scauth/scauth.toml', 0o666, 0o644],
    ['var/lib/scauth', 0o755, 0o700],
    ['var/lib/scauth/scauth.db', 0o644, 0o600],
    ['var/log/scauth/audit.jsonl', 0o644, 0o640],
  ];
  for (const [path, bad, good] of wrong) {
    chmodSync(join(root, path), bad);
    const checks = checkFiles(root);
    expect(t, checks, 'broken', new RegExp(`/${path} has the mode ${bad.toString(8)}`));
    t.is(checks[0]?.repair, `sudo chmod ${good.toString(8)} /${path}`);
    chmodSync(join(root, path), good);
  }
  chownSync(join(root, 'var/lib/scauth/scauth.db'), NOBODY, NOBODY);
  expect(t, checkFiles(root), 'broken', /belongs to uid 65534/);
  chownSync(join(root, 'var/lib/scauth/scauth.db'), 0, 0);
  rmSync(join(root, 'etc/scauth/scauth.toml'));
  symlinkSync('/dev/null', join(root, 'etc/scauth/scauth.toml'));
  expect(t, checkFiles(root), 'broken', /is not a file/);
  rmSync(join(root, 'etc/scauth/scauth.toml'));
  expect(t, checkFiles(root), 'ok', /as they should be/);
  rmSync(join(root, 'run/scauth/io.scauth'));
  expect(t, checkFiles(root), 'broken', /io\.scauth is not there/);
});

const OURS = 'auth sufficient pam_scauth.so\nauth required pam_unix.so\n';

test('U: services whose files are not in /etc are looked at as well', (t) => {
  const root = temporaryFolder(t);
  put(root, 'usr/lib/security/pam_scauth.so');
  put(root, 'usr/lib/pam.d/su', OURS);
  expect(t, checkPam(root), 'ok', /In the right place for su/);
  put(root, 'usr/lib/pam.d/login', `auth required pam_unix.so\n${OURS}`);
  expect(t, checkPam(root), 'broken', /^login: pam_unix\.so stands before it/);
  // The one in /etc counts.
  put(root, 'etc/pam.d/login', OURS);
  expect(t, checkPam(root), 'ok', /login/);
  const folders = ['etc/pam.d', 'usr/lib/pam.d'].map((folder) => join(root, folder));
  t.false(pamOpensKeyrings(folders));
  put(root, 'usr/lib/pam.d/gdm-password', 'auth optional pam_gnome_keyring.so\n');
  t.true(pamOpensKeyrings(folders));
});

test('PAM: nowhere, in the right place, behind the password, and taken out by an update', (t) => {
  const root = temporaryFolder(t);
  put(root, 'usr/lib/security/pam_scauth.so');
  put(root, 'etc/pam.d/sudo', 'auth required pam_unix.so\n');
  expect(t, checkPam(root), 'warning', /No PAM service leads to/);
  put(root, 'etc/pam.d/sudo', OURS);
  expect(t, checkPam(root), 'ok', /In the right place for sudo/);
  put(root, 'etc/pam.d/login', `auth required pam_unix.so\n${OURS}`);
  expect(t, checkPam(root), 'broken', /^login: pam_unix\.so stands before it/);
  rmSync(join(root, 'etc/pam.d/login'));
  put(root, 'etc/pam.d/sudo', 'auth required pam_unix.so\n');
  const record = 'var/lib/scauth/pam/20260101T000000.1';
  put(root, `${record}/after/etc/pam.d/common-auth`, OURS);
  expect(t, checkPam(root), 'warning', /No PAM service/);
  put(root, `${record}/complete`);
  expect(t, checkPam(root), 'broken', /an update has reset them/);
  put(root, 'var/lib/scauth/pam/20260201T000000.1/after/etc/pam.d/common-auth', '# pam_scauth.so\n');
  put(root, 'var/lib/scauth/pam/20260201T000000.1/complete');
  expect(t, checkPam(root), 'warning', /No PAM service/);
});

test('clock: right, before the program was made, and set back behind the audit log', (t) => {
  const root = temporaryFolder(t);
  const program = put(root, 'program.ts');
  const log = put(root, 'var/log/scauth/audit.jsonl');
  const now = Date.UTC(2026, 5, 1);
  const day = 24 * 60 * 60;
  utimesSync(program, now / 1000 - day, now / 1000 - day);
  utimesSync(log, now / 1000 - 60, now / 1000 - 60);
  expect(t, checkClock(now, root, program), 'ok', /2026-06-01/);
  utimesSync(log, now / 1000 + day, now / 1000 + day);
  expect(t, checkClock(now, root, program), 'broken', /it was set back/);
  utimesSync(program, now / 1000 + day, now / 1000 + day);
  expect(t, checkClock(now, root, program), 'broken', /before this program was made/);
});
