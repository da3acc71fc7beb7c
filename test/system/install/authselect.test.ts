// install/authselect/make-profile on profiles that look as authselect's do, and what a real libpam makes of the result.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../unit/base/folders.ts';

const script = join(import.meta.dirname, '../../../install/authselect/make-profile');
const CARD = /^auth +sufficient +pam_scauth\.so \{exclude if "without-scauth"\}$/;
const ACCOUNT =
  /^account +\[success=ignore perm_denied=die default=ignore\] +pam_scauth\.so \{exclude if "without-scauth"\}$/;
/** With what may stand in front, jumps, and conditions in authselect's language. */
const AUTH = `{imply "with-x" if "with-y"}
auth        required      pam_env.so
auth        required      pam_faillock.so preauth silent {include if "with-faillock"}
auth        [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok] pam_localuser.so
auth        sufficient    pam_unix.so try_first_pass
auth        required      pam_deny.so

account     required      pam_unix.so
`;

function machine(t: ExecutionContext, folder: string, files: Record<string, string>): string {
  const root = temporaryFolder(t);
  mkdirSync(join(root, folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, name), text);
  return root;
}

function make(root: string, ...args: string[]): { status: number | null; stderr: string } {
  return spawnSync('dash', [script, '--root', root, ...args], { encoding: 'utf8' });
}

const made = (root: string, file: string): string =>
  readFileSync(join(root, 'etc/authselect/custom/scauth', file), 'utf8');

test('the card goes behind what prepares and before all that jumps or lets in; the rest stays', (t) => {
  const root = machine(t, 'usr/share/authselect/default/sssd', {
    'system-auth': AUTH,
    'password-auth': AUTH,
    'nsswitch.conf': 'passwd: files\n',
    README: 'the base\n',
  });
  for (let times = 0; times < 2; times++) {
    t.is(make(root).status, 0);
    for (const file of ['system-auth', 'password-auth']) {
      const lines = made(root, file).split('\n');
      t.regex(lines[3] ?? '', CARD);
      t.regex(lines[9] ?? '', ACCOUNT);
      t.is(lines.toSpliced(9, 1).toSpliced(3, 1).join('\n'), AUTH);
    }
    t.is(made(root, 'nsswitch.conf'), 'passwd: files\n');
    t.regex(made(root, 'README'), /without-scauth[^]*the base/);
    t.deepEqual(readdirSync(join(root, 'etc/authselect/custom')), ['scauth']);
  }
});

test('a profile of one’s own as the base; a line for the card that is there already is not doubled', (t) => {
  const root = machine(t, 'etc/authselect/custom/ours', {
    'system-auth': `auth sufficient pam_scauth.so debug\naccount required pam_scauth.so\n${AUTH}`,
  });
  t.is(make(root, 'custom/ours').status, 0);
  t.is(made(root, 'system-auth').match(/pam_scauth/g)?.length, 2);
});

test('no such base, a base without a place, the profile itself: said, and nothing is changed', (t) => {
  const root = machine(t, 'usr/share/authselect/default/odd', {
    'system-auth': 'auth required pam_deny.so\naccount required pam_unix.so\n',
  });
  mkdirSync(join(root, 'usr/share/authselect/default/half'));
  const half = join(root, 'usr/share/authselect/default/half/system-auth');
  writeFileSync(half, 'auth sufficient pam_unix.so\n');
  for (const [base, words] of [
    ['none', /no authselect profile none/],
    ['odd', /no auth line, or no account line, before which the card could go/],
    ['half', /no auth line, or no account line,/],
  ] as const) {
    const { status, stderr } = make(root, base);
    t.is(status, 1);
    t.regex(stderr, words);
    t.is(spawnSync('ls', [join(root, 'etc/authselect/custom/scauth')]).status, 2);
  }
});

test('libpam reads the result: without scauthd the base has its turn', (t) => {
  const root = machine(t, 'usr/share/authselect/default/sssd', {
    // Only modules that do nothing: which line decides is what is looked at.
    'system-auth':
      'auth required pam_permit.so\nauth sufficient pam_permit.so\nauth required pam_deny.so\naccount required pam_permit.so\n',
  });
  t.is(make(root).status, 0);
  const module = join(import.meta.dirname, '../../../build/pam_scauth.so');
  const service = made(root, 'system-auth')
    .replaceAll(/ \{exclude if "without-scauth"\}/g, '')
    .replaceAll('pam_scauth.so', `${module} socket=${root}/none`);
  t.true(service.includes(module));
  mkdirSync(join(root, 'etc/pam.d'));
  writeFileSync(join(root, 'etc/pam.d/scauth-authselect'), service);
  // A private /etc/pam.d: the machine's own is never looked at.
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c'];
  const run = 'mount --bind "$1" /etc/pam.d && pamtester scauth-authselect root authenticate acct_mgmt';
  t.regex(
    execFileSync('unshare', [...argv, run, 'sh', join(root, 'etc/pam.d')], { encoding: 'utf8' }),
    /successfully authenticated/,
  );
});
