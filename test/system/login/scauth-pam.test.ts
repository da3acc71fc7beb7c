// S12: scauth-pam enable puts the account line in place too, also where the files were edited by hand, and undo takes it out.
// The real pam-auth-update, on a private /etc/pam.d and /var/lib; what a whole Debian makes of it is in test/package.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { APP, REPOSITORY } from '../../kit/sandbox/namespace.ts';
import type { ExecResult, Sandbox } from '../../kit/sandbox/sandbox.ts';
import { enforce } from '../../kit/person/enforcement.ts';
import { COMMON, everywhere, holds, install, refused, startCovered } from './enforcement-cover.ts';
import * as person from '../../kit/person/person.ts';

const PRIVATE = '/run/sandbox/private';
const FILES = ['common-auth', 'common-account', 'common-password', 'common-session'];
const OURS = '[success=ignore perm_denied=die default=ignore]\tpam_scauth.so';

let sandbox: Sandbox;

async function must(...argv: readonly string[]): Promise<ExecResult> {
  const result = await sandbox.exec(argv, { timeoutMs: 120_000 });
  if (result.code !== 0)
    throw new Error(`${argv.join(' ')}: ${result.code}\n${result.stdout}${result.stderr}`);
  return result;
}

const scauthPam = (...args: readonly string[]) =>
  must('sh', `${APP}/install/pam/scauth-pam`, ...args, '--yes');
const read = (name: string): string => readFileSync(sandbox.path(`/etc/pam.d/${name}`), 'utf8');

test.before(async () => {
  sandbox = await startCovered();
  const place = sandbox.path(PRIVATE);
  mkdirSync(`${place}/lib`, { recursive: true });
  cpSync('/var/lib/pam', `${place}/lib/pam`, { recursive: true });
  // pam-auth-update asks debconf, by these.
  const templates = 'dpkg/info/libpam-runtime.templates';
  cpSync(`/var/lib/${templates}`, `${place}/lib/${templates}`);
  cpSync('/usr/share/pam-configs', `${place}/configs`, { recursive: true });
  cpSync(join(REPOSITORY, 'install/pam/pam-config'), `${place}/configs/scauth`);
  await must('mount', '--bind', `${PRIVATE}/lib`, '/var/lib');
  await must('mount', '--bind', `${PRIVATE}/configs`, '/usr/share/pam-configs');
});
test.beforeEach(() => person.freshCard(sandbox));
test.afterEach.always(async () => {
  await enforce(sandbox, ['off']);
});
test.after.always(() => sandbox.stop());

/** Debian's own files as this machine has them. */
function debian(change: (name: string, text: string) => string = (_, text) => text): Record<string, string> {
  return Object.fromEntries(
    FILES.map((name) => [name, change(name, readFileSync(`/etc/pam.d/${name}`, 'utf8'))]),
  );
}

async function enableAndUndo(t: ExecutionContext, title: string): Promise<void> {
  const before = FILES.map(read);
  const open = await refused(t, sandbox);
  t.true(open.length >= 6);
  t.true(
    open.every(({ repair }) => repair === 'sudo scauth-pam enable'),
    JSON.stringify(open),
  );
  await scauthPam('enable');
  t.regex(read('common-auth'), /^auth\t\[success=\d default=ignore\]\tpam_scauth\.so/m);
  const lines = read('common-account').split('\n');
  const at = (what: RegExp): number => lines.findIndex((line) => what.test(line));
  t.true(
    at(/^account\t.*pam_scauth\.so/) !== -1 && at(/pam_scauth/) < at(/pam_unix/),
    read('common-account'),
  );
  await holds(t, sandbox, title);
  await enforce(sandbox, ['off']);
  const again = await scauthPam('enable');
  t.regex(again.stderr, /nothing to change/);
  await scauthPam('undo');
  t.deepEqual(FILES.map(read), before, title);
}

test.serial('S12: files that pam-auth-update keeps', async (t) => {
  install(sandbox, { ...everywhere(COMMON), ...debian() });
  await enableAndUndo(t, 'kept');
});

test.serial('S12: common-auth and common-account were edited by hand', async (t) => {
  const edited = debian((name, text) =>
    ['common-auth', 'common-account'].includes(name)
      ? text.replace(/^(\w+\t.*pam_unix\.so.*)$/m, '$1 debug')
      : text,
  );
  install(sandbox, { ...everywhere(COMMON), ...edited });
  await enableAndUndo(t, 'edited');
});

test.serial('S12: our line stands in common-auth, and behind pam_unix in common-account', async (t) => {
  install(sandbox, { ...everywhere(COMMON), ...debian() });
  await scauthPam('enable');
  const old = read('common-account')
    .replace(/^account.*pam_scauth\.so.*\n/m, '')
    .concat('account [success=ok perm_denied=bad default=ignore] pam_scauth.so\n')
    .replace(/(pam_unix\.so)/, '$1 debug');
  writeFileSync(sandbox.path('/etc/pam.d/common-account'), old);
  t.regex((await refused(t, sandbox))[0]?.why ?? '', /lets in whoever has to change the password/);
  const status = await must('sh', `${APP}/install/pam/scauth-pam`, 'status');
  t.regex(status.stdout, /cannot be required/);
  await scauthPam('enable');
  t.true(read('common-account').includes(`account\t${OURS}`));
  await holds(t, sandbox, 'moved');
});
