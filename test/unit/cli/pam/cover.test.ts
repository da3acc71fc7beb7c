// S12: which stacks hold a card that is required, and what is said of each that does not. What libpam makes of a stack is
// held against the real one in libpam.test.ts; here it is what our lines are good for.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ACCOUNT_LINE, coverOf, type Cover } from '../../../../agent/cli/pam/cover.ts';
import { coverOfAll } from '../../../../agent/cli/pam/report.ts';
import { loadPolicy } from '../../../../config/parse-settings.ts';
import { OPENING_SERVICES } from '../../../../policy/services.ts';
import { temporaryFolder } from '../../base/folders.ts';

const MODULES = [
  ...[
    'scauth',
    'unix',
    'deny',
    'permit',
    'rootok',
    'localuser',
    'succeed_if',
    'u2f',
    'access',
    'sss',
    'env',
    'other',
  ],
].map((name) => `pam_${name}.so`);

function machine(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder(t);
  for (const module of MODULES) put(root, `usr/lib/security/${module}`, '');
  for (const [name, text] of Object.entries(files))
    put(root, name.includes('/') ? name : `etc/pam.d/${name}`, `${text}\n`);
  return root;
}

function put(root: string, path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

const local = { heeds: 'account', remote: false } as const;
const locker = { heeds: 'auth', remote: false } as const;

const AUTH = 'auth sufficient pam_scauth.so\nauth required pam_unix.so';
const UNIX = 'account required pam_unix.so';
const DEBIAN = `account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so
account requisite pam_deny.so
account required pam_permit.so`;
const BEHIND = 'account [success=ok perm_denied=bad default=ignore] pam_scauth.so';

/** The file `sudo`; null: covered, else what is said. */
const accounts: readonly (readonly [title: string, text: string, why: RegExp | null])[] = [
  ['first', `${ACCOUNT_LINE}\n${UNIX}`, null],
  ['first, as it was documented before', `${BEHIND}\n${UNIX}`, null],
  ['in front of Debian’s', `${ACCOUNT_LINE}\n${DEBIAN}`, null],
  ['required', `account required pam_scauth.so\n${UNIX}`, null],
  ['behind pam_unix, which is required', `${UNIX}\n${BEHIND}`, null],
  ['none', UNIX, /^\/etc\/pam\.d\/sudo has no account line of pam_scauth\.so$/],
  ['a comment', `# ${ACCOUNT_LINE}\n${UNIX}`, /has no account line/],
  ['behind Debian’s', `${DEBIAN}\n${BEHIND}`, /pam_unix\.so \(.*line 3\) lets in whoever has to change/],
  [
    'behind a sufficient one',
    `account sufficient pam_localuser.so\n${ACCOUNT_LINE}\n${UNIX}`,
    /pam_localuser\.so \(/,
  ],
  ['optional', `account optional pam_scauth.so\n${UNIX}`, /does not count: optional/],
  ['sufficient', `account sufficient pam_scauth.so\n${UNIX}`, /does not count: sufficient/],
  ['no word of perm_denied', `account [success=ok default=ignore] pam_scauth.so\n${UNIX}`, /does not count/],
  [
    'a control in capitals',
    `account [success=ok PERM_DENIED=die default=ignore] pam_scauth.so\n${UNIX}`,
    null,
  ],
  [
    'jumped over',
    `account [success=1 default=ignore] pam_succeed_if.so\n${ACCOUNT_LINE}\n${UNIX}`,
    /pam_succeed_if\.so/,
  ],
  [
    'a jump that ends at it',
    `account [success=1 default=ignore] pam_succeed_if.so\n${UNIX}\n${ACCOUNT_LINE}\n${UNIX}`,
    null,
  ],
  [
    'taken back',
    `${BEHIND}\naccount [default=reset] pam_other.so\n${UNIX}`,
    /pam_other\.so .* takes a refusal of/,
  ],
  [
    'with die it cannot be taken back',
    `${ACCOUNT_LINE}\naccount [default=reset] pam_other.so\n${UNIX}`,
    null,
  ],
  ['in an included file', `account include inner\n${UNIX}`, null],
  ['in a substack', `account substack inner\n${UNIX}`, null],
  [
    'in a substack that is jumped over',
    `account [success=1] pam_access.so\naccount substack inner\n${UNIX}`,
    /pam_access/,
  ],
  [
    'a substack that ends before it',
    `account substack ends\n${UNIX}`,
    /pam_localuser\.so \(\/etc\/pam\.d\/ends, line 1\)/,
  ],
  ['another scauthd', `${ACCOUNT_LINE} socket=/run/x\n${UNIX}`, /has no account line/],
  ['a module that is not there', `account requisite /opt/pam_scauth.so\n${UNIX}`, null],
  [
    'a module that is not there is passed over',
    `${ACCOUNT_LINE.replace('pam_', '/opt/pam_')}\n${UNIX}`,
    /no account/,
  ],
  ['a file that is not there', `account include nowhere\n${UNIX}`, null],
  ['nobody gets in', 'account requisite pam_deny.so', null],
  [
    'a file that cannot be read to its end',
    `${ACCOUNT_LINE}\n${UNIX} \\`,
    /goes on behind the end of the file/,
  ],
  ['all of it is other’s', '', /^\/etc\/pam\.d\/other \(PAM takes it for sudo\) has no account line/],
];

function check(t: ExecutionContext, cover: Cover, why: RegExp | null): void {
  if (why === null) t.true(cover.covered, cover.why);
  else t.regex(cover.why, why);
  t.is(cover.covered, why === null);
  if (!cover.covered) t.true(cover.repair.length > 10);
}

for (const [title, text, why] of accounts)
  test(`S12: an account line that is ${title}`, (t) => {
    const root = machine(t, {
      sudo: `${AUTH}\n${text}`,
      inner: ACCOUNT_LINE,
      ends: `account sufficient pam_localuser.so\n${ACCOUNT_LINE}`,
      other: UNIX,
    });
    check(t, coverOf('sudo', local, false, root), why);
  });

/** The auth stack of `sudo`; its account stack is good. */
const auths: readonly (readonly [title: string, text: string, why: RegExp | null])[] = [
  ['the card first', AUTH, null],
  ['root’s su', `auth sufficient pam_rootok.so\n${AUTH}`, null],
  ['who needs no password', `auth sufficient pam_succeed_if.so user ingroup nopasswdlogin\n${AUTH}`, null],
  ['no line', 'auth required pam_unix.so', /has no auth line of pam_scauth\.so/],
  [
    'the password first',
    `auth sufficient pam_unix.so\n${AUTH}`,
    /pam_unix\.so \(.*line 1\) may answer success/,
  ],
  ['another token first', `auth sufficient pam_u2f.so\n${AUTH}`, /pam_u2f\.so/],
  ['everybody', `auth sufficient pam_permit.so\n${AUTH}`, /pam_permit\.so/],
  [
    'some are led past it',
    `auth [success=1 default=ignore] pam_succeed_if.so uid >= 2000\n${AUTH}`,
    /pam_succeed_if\.so/,
  ],
];

for (const [title, text, why] of auths)
  test(`S12: an auth stack in which comes ${title}`, (t) => {
    const root = machine(t, { sudo: `${text}\n${ACCOUNT_LINE}\n${UNIX}` });
    check(t, coverOf('sudo', local, false, root), why);
  });

test('S12: where others hosts are bound, nobody has to be asked first', (t) => {
  const root = machine(t, { sshd: `auth required pam_unix.so\n${ACCOUNT_LINE}\n${UNIX}` });
  check(t, coverOf('sshd', { heeds: 'account', remote: true }, false, root), null);
});

test('S12: lockers that do not heed the account phase need a line at the end of the auth stack', (t) => {
  const enforce = 'auth [perm_denied=die default=ignore] pam_scauth.so enforce';
  const root = machine(t, {
    i3lock: `${AUTH}\n${enforce}`,
    swaylock: `${AUTH}\n${ACCOUNT_LINE}\n${UNIX}`,
    vlock: `auth sufficient pam_scauth.so\nauth sufficient pam_unix.so\n${enforce}`,
    xlock: `${AUTH}\nauth optional pam_scauth.so enforce`,
  });
  check(t, coverOf('i3lock', locker, false, root), null);
  check(t, coverOf('swaylock', locker, false, root), /does not heed the account phase/);
  check(t, coverOf('vlock', locker, false, root), /pam_unix\.so \(.*line 2\) may answer success/);
  check(t, coverOf('xlock', locker, false, root), /does not count: optional/);
});

test('S12: the repair is scauth-pam where that mends it, else the very line and its place', (t) => {
  const common = '@include common-auth\n@include common-account';
  const root = machine(t, { sudo: common, 'common-auth': AUTH, 'common-account': DEBIAN });
  t.like(coverOf('sudo', local, true, root), { repair: 'sudo scauth-pam enable' });
  t.like(coverOf('sudo', local, false, root), {
    repair: `Put before /etc/pam.d/common-account, line 1: ${ACCOUNT_LINE}`,
  });
  put(
    root,
    'etc/pam.d/su',
    `auth sufficient pam_rootok.so\nauth required pam_unix.so\n${ACCOUNT_LINE}\n${UNIX}\n`,
  );
  t.like(coverOf('su', local, true, root), {
    repair: 'Put before /etc/pam.d/su, line 2: auth  sufficient  pam_scauth.so',
  });
});

test('S12: the services that are there, and what the settings leave out', (t) => {
  const root = machine(t, {
    sudo: `${AUTH}\n${ACCOUNT_LINE}\n${UNIX}`,
    sshd: UNIX,
    cron: UNIX,
    'usr/lib/pam.d/polkit-1': UNIX,
  });
  const { login, enforcement } = loadPolicy(join(root, 'etc/scauth'));
  const states = (more: Partial<typeof enforcement>, services = login.services): string[] => {
    const settings = { login: { ...login, services }, enforcement: { ...enforcement, ...more } };
    return coverOfAll(settings, root).map(({ service, state }) => `${service} ${state}`);
  };
  t.deepEqual(states({}), ['sudo covered', 'polkit-1 uncovered', 'sshd left-out']);
  t.deepEqual(states({ remote: true }), ['sudo covered', 'polkit-1 uncovered', 'sshd uncovered']);
  const named = { remote: true, services: ['sudo', 'cron'] };
  t.deepEqual(states(named), ['sudo covered', 'polkit-1 left-out', 'sshd left-out', 'cron uncovered']);
  t.true(states(named, ['login']).every((line) => line.endsWith('left-out')));
});

test('C5: common-auth is a service where xsecurelock is, and nowhere else', (t) => {
  const root = machine(t, { 'common-auth': `${AUTH}\n${UNIX}`, other: UNIX });
  const { login, enforcement } = loadPolicy(join(root, 'etc/scauth'));
  const states = (): string[] =>
    coverOfAll({ login, enforcement }, root).map(({ service, state }) => `${service} ${state}`);
  t.deepEqual(states(), []);
  put(root, 'usr/bin/xsecurelock', '');
  t.deepEqual(states(), ['common-auth uncovered']);
});

test('each service that opens the machine says what it opens', (t) => {
  for (const [service, { opens }] of OPENING_SERVICES) {
    t.regex(service, /^[a-z0-9-]+$/);
    t.true(opens.length > 5);
  }
});
