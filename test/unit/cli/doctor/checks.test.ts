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
import { pamAsksForPassword, pamOpensKeyrings } from '../../../../agent/accounts/keyring-modules.ts';
import { judgeStack } from '../../../../agent/cli/pam/line.ts';
import { readStack } from '../../../../agent/cli/pam/stack.ts';
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
  t.false(pamAsksForPassword(folders));
  put(root, 'usr/lib/pam.d/x', 'auth optional pam_exec.so /bin/x\n# expose_authtok\n');
  t.false(pamAsksForPassword(folders));
  for (const line of ['pam_kwallet5.so', 'pam_mount.so', 'pam_exec.so quiet expose_authtok /bin/x']) {
    put(root, 'usr/lib/pam.d/x', `-auth optional ${line}\n`);
    t.true(pamAsksForPassword(folders), line);
  }
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

const fileOf = (name: string): string =>
  name === 'scauth' ? '/etc/scauth/gdm-smartcard' : `/etc/pam.d/gdm-smartcard-${name}`;
const alternative = (name: string): string[] => [fileOf(name), '50'];

/** As a Debian with gdm3 and card logins on has it; `alternatives` is of update-alternatives. */
function gdm(t: ExecutionContext, smartcard: string | null, alternatives: string | null): string {
  const root = temporaryFolder(t);
  for (const name of ['scauth', 'kwallet5', 'mount', 'exec']) put(root, `usr/lib/security/pam_${name}.so`);
  const common = '[success=2 default=ignore] pam_scauth.so only_secret';
  put(
    root,
    'etc/pam.d/common-auth',
    `auth ${common}\nauth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n`,
  );
  put(root, 'etc/pam.d/gdm-password', 'auth requisite pam_nologin.so\n@include common-auth\n');
  const sss = 'auth [success=2 default=ignore] pam_sss.so\nauth substack common-auth\n';
  put(root, 'etc/pam.d/gdm-smartcard-sssd-or-password', sss);
  put(root, 'etc/pam.d/gdm-smartcard-sssd-exclusive', 'auth required pam_sss.so\n');
  put(root, 'etc/scauth/gdm-smartcard', '@include common-auth\nauth requisite pam_nologin.so\n');
  if (smartcard !== null) symlinkSync(`../..${fileOf(smartcard)}`, join(root, 'etc/pam.d/gdm-smartcard'));
  if (alternatives !== null)
    put(
      root,
      'var/lib/dpkg/alternatives/gdm-smartcard',
      ['auto', '/etc/pam.d/gdm-smartcard', '', ...alternatives.split(' ').flatMap(alternative), ''].join(
        '\n',
      ),
    );
  return root;
}

const GDM = 'sssd-exclusive sssd-or-password';
const isWrong = ({ state }: Check): boolean => state !== 'ok';

test('C7: gdm3’s alternatives are no services; what GNOME uses while a card is in is one, with its repair', (t) => {
  const good = checkPam(gdm(t, 'scauth', `${GDM} scauth`));
  t.deepEqual(good.filter(isWrong), []);
  t.regex(good[0]?.detail ?? '', /^In the right place for gdm-password, gdm-smartcard$/);
  t.deepEqual(checkPam(gdm(t, null, GDM)).filter(isWrong), [], 'no gdm-smartcard, nothing to say');
  for (const file of GDM.split(' ')) {
    const shipped = checkPam(gdm(t, file, GDM)).filter(isWrong);
    expect(t, shipped, 'warning', /^gdm-smartcard: GNOME asks by this service while a card is in/);
    t.is(shipped[0]?.repair, 'sudo scauth-pam enable');
    const byHand = checkPam(gdm(t, file, `${GDM} scauth`)).filter(isWrong);
    const command = 'sudo update-alternatives --set gdm-smartcard /etc/scauth/gdm-smartcard';
    t.is(byHand[0]?.repair, command);
  }
});

test('C7: each repair of a line of ours is one that changes it', (t) => {
  const root = gdm(t, null, GDM);
  put(root, 'etc/pam.d/login', `auth required pam_unix.so\n${OURS}`);
  const own = checkPam(root).filter(isWrong);
  expect(t, own, 'broken', /^login: pam_unix\.so stands before it/);
  t.regex(own[0]?.repair ?? '', /by hand \(\/etc\/pam\.d\/login, line 2\)/);
  rmSync(join(root, 'etc/pam.d/login'));
  put(root, 'etc/pam.d/common-auth', `auth required pam_unix.so\n${OURS}`);
  const common = checkPam(root).filter(isWrong);
  t.is(common[0]?.repair, 'sudo scauth-pam disable, then: sudo scauth-pam enable');
  // What stands in a service's own file scauth-pam does not move.
  put(root, 'etc/pam.d/common-auth', OURS);
  put(root, 'etc/pam.d/su', 'auth required pam_unix.so\n@include common-auth\n');
  t.regex(checkPam(root).filter(isWrong)[0]?.repair ?? '', /by hand/);
});

test('C3: modules that want the password behind a login by card are told of, and what to do', (t) => {
  const root = gdm(t, null, GDM);
  const behind = ['kwallet5.so', 'mount.so', 'exec.so expose_authtok /bin/x', 'exec.so /bin/y', 'gone.so'];
  const lines = behind.map((module) => `auth optional pam_${module}`).join('\n');
  put(root, 'etc/pam.d/sddm', `@include common-auth\n${lines}\n`);
  const quiet = checkPam(root);
  t.deepEqual(quiet.filter(isWrong), []);
  t.deepEqual(
    quiet
      .slice(1)
      .map(({ detail }) => /^\S+ gets no password from a login by card \(sddm\)/.exec(detail) !== null),
    [true, true, true],
  );
  put(root, 'etc/pam.d/sddm', `${OURS}\n${lines}\n`);
  const asks = checkPam(root).filter(isWrong);
  t.is(asks.length, 3);
  t.regex(asks[1]?.detail ?? '', /^pam_mount\.so asks for the password after a login by card \(sddm\)/);
  t.regex(asks[1]?.repair ?? '', /only_secret/);
});

test('C6: explain and doctor say where a name is asked for before the card', (t) => {
  const root = gdm(t, 'scauth', null);
  const detail = (service: string): string =>
    judgeStack(service, readStack(service, 'auth', root), root).detail;
  t.regex(detail('gdm-password'), /a name is asked for first [^]*pam_nologin\.so, [^]*gdm-password, line 1/);
  t.notRegex(detail('gdm-smartcard'), /name/);
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
  expect(t, checkClock(now, root, program), 'broken', /before this program was built/);
});
