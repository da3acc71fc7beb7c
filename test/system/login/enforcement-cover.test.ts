// S12: `enforce on` says "on" only where a password is refused. In each set-up it refuses first, by service and with the
// repair; that repair is made as it says; then it is on, and the right password opens neither sudo nor login.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { REPOSITORY } from '../../kit/sandbox/namespace.ts';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { enforce, enforced } from '../../kit/person/enforcement.ts';
import {
  COMMON,
  COMMON_ACCOUNT,
  COMMON_AUTH,
  everywhere,
  holds,
  install,
  refused,
  SERVICES,
  startCovered,
  type Cover,
} from './enforcement-cover.ts';
import * as person from '../../kit/person/person.ts';

/** As the package's profile put it before: behind Debian's lines. */
const AT_THE_END = 'account [success=ok perm_denied=bad default=ignore] pam_scauth.so\n';
let sandbox: Sandbox;

const pam = (name: string): string => sandbox.path(`/etc/pam.d/${name}`);

test.before(async () => {
  sandbox = await startCovered();
});
test.beforeEach(async () => {
  await person.freshCard(sandbox);
});
test.afterEach.always(async () => {
  await enforce(sandbox, ['off']);
});
test.after.always(() => sandbox.stop());

/** Does what it says: puts the line where it is to stand. */
function repair(said: Cover): void {
  const found = /^Put (before|behind) (\S+), line (\d+): (.+)$/.exec(said.repair ?? '');
  if (found === null) throw new Error(`${said.service}: ${String(said.repair)}`);
  const [, where, file = '', line, text = ''] = found;
  const lines = readFileSync(sandbox.path(file), 'utf8').split('\n');
  lines.splice(Number(line) - (where === 'before' ? 1 : 0), 0, text);
  rmSync(sandbox.path(file));
  writeFileSync(sandbox.path(file), lines.join('\n'));
}

/** As often as there is something to repair; one repair may mend many services. */
async function repairAll(t: ExecutionContext): Promise<void> {
  for (let rounds = 0; rounds < 10; rounds += 1) {
    const on = await enforce(sandbox, ['plan', '--json']);
    const { services } = JSON.parse(on.stdout) as { services: Cover[] };
    const first = services.find(({ state }) => state === 'uncovered');
    if (first === undefined) return;
    repair(first);
  }
  t.fail('there is no end to the repairs');
}

test.serial('S12: common-account was edited by hand and has no line of ours', async (t) => {
  install(sandbox, { ...everywhere(COMMON), 'common-auth': COMMON_AUTH, 'common-account': COMMON_ACCOUNT });
  const open = await refused(t, sandbox);
  t.deepEqual(
    open.map(({ service }) => service),
    ['login', 'sudo', 'sudo-i', 'su', 'su-l', 'polkit-1'],
  );
  t.regex(open[0]?.why ?? '', /has no account line of pam_scauth\.so/);
  // What it prevents: the password opens while it says "on".
  const anyway = SERVICES.slice(1).flatMap((service) => ['--uncovered', service]);
  t.is((await enforce(sandbox, ['on', '--uncovered', 'sudo', ...anyway])).code, 3, 'nothing would be bound');
  await repairAll(t);
  await holds(t, sandbox, 'by hand');
});

test.serial('S12: a line behind pam_unix lets in whoever has to change the password', async (t) => {
  install(sandbox, {
    ...everywhere(COMMON),
    'common-auth': COMMON_AUTH,
    'common-account': COMMON_ACCOUNT + AT_THE_END,
  });
  const [first] = await refused(t, sandbox);
  t.regex(
    first?.why ?? '',
    /pam_unix\.so \(\/etc\/pam\.d\/common-account, line 1\) lets in whoever has to change/,
  );
  // It is so: libpam says new_authtok_reqd, and never asks us.
  await sandbox.exec(['chage', '-d', '0', sandbox.user]);
  const uncovered = SERVICES.filter((name) => name !== 'login').flatMap((name) => ['--uncovered', name]);
  install(sandbox, {
    ...everywhere(COMMON),
    login: `${COMMON_AUTH}account [success=ignore perm_denied=die] pam_scauth.so\n${COMMON_ACCOUNT}`,
    'common-auth': COMMON_AUTH,
    'common-account': COMMON_ACCOUNT + AT_THE_END,
  });
  await enforced(sandbox, 'on', ...uncovered);
  const account = (service: string) =>
    sandbox.exec(['pamtester', service, sandbox.user, 'authenticate', 'acct_mgmt'], {
      input: `\n${sandbox.password}\n\n`,
    });
  t.regex((await account('sudo')).stderr, /new one required/);
  t.regex((await account('login')).stderr, /Permission denied/i);
  await sandbox.exec(['chage', '-d', '20000', sandbox.user]);
  await enforced(sandbox, 'off');
  install(sandbox, {
    ...everywhere(COMMON),
    'common-auth': COMMON_AUTH,
    'common-account': COMMON_ACCOUNT + AT_THE_END,
  });
  await repairAll(t);
  await holds(t, sandbox, 'at the end');
});

/** The lines of the administrators' guide for a stack that is kept by hand. */
function documentedLines(): string[] {
  const text = readFileSync(join(REPOSITORY, 'install/doc/administrators.md'), 'utf8');
  const block = /## A PAM stack that is kept by hand[^]*?```\n([^]*?)```/.exec(text)?.[1] ?? '';
  return block.trim().split('\n');
}

test.serial('S12: the documented stack that is kept by hand', async (t) => {
  const lines = documentedLines();
  const auth = lines.filter((line) => line.startsWith('auth'));
  const account = lines.filter((line) => line.startsWith('account'));
  t.is(auth.length, 1);
  t.is(account.length, 1);
  const stack = (...ours: readonly string[]): string =>
    [...auth, 'auth required pam_unix.so', ...ours, 'account required pam_unix.so', ''].join('\n');
  install(sandbox, everywhere(stack()));
  const open = await refused(t, sandbox);
  t.true(open.every(({ why }) => /has no account line/.test(why)));
  install(sandbox, everywhere(stack(...account)));
  await holds(t, sandbox, 'documented');
});

test.serial('S12: the authselect profile', async (t) => {
  const root = sandbox.path('/run/sandbox/authselect');
  mkdirSync(`${root}/usr/share/authselect/default/local`, { recursive: true });
  // Fedora's, with the modules that this machine has.
  const base = `auth        required      pam_env.so
auth        required      pam_faildelay.so delay=2000000
auth        sufficient    pam_unix.so nullok
auth        required      pam_deny.so

account     required      pam_unix.so
`;
  writeFileSync(`${root}/usr/share/authselect/default/local/system-auth`, base);
  const script = join(REPOSITORY, 'install/authselect/make-profile');
  execFileSync('dash', [script, '--root', root, 'local']);
  const made = readFileSync(`${root}/etc/authselect/custom/scauth/system-auth`, 'utf8');
  const included = 'auth include system-auth\naccount include system-auth\n';
  const without = made.replace(/^account.*pam_scauth\.so.*\n/m, '');
  t.not(without, made);
  install(sandbox, { ...everywhere(included), 'system-auth': without.replaceAll(/ \{.*\}$/gm, '') });
  t.is((await refused(t, sandbox)).length, SERVICES.length);
  install(sandbox, { ...everywhere(included), 'system-auth': made.replaceAll(/ \{.*\}$/gm, '') });
  await holds(t, sandbox, 'authselect');
});

test.serial('S12: a service whose file is in the vendor’s folder', async (t) => {
  const good = `${COMMON_AUTH}account [success=ignore perm_denied=die default=ignore] pam_scauth.so\n${COMMON_ACCOUNT}`;
  const vendor = sandbox.path('/run/sandbox/vendor');
  mkdirSync(vendor, { recursive: true });
  writeFileSync(join(vendor, 'polkit-1'), COMMON_AUTH + COMMON_ACCOUNT);
  writeFileSync(join(vendor, 'sudo'), COMMON_AUTH + COMMON_ACCOUNT);
  install(sandbox, everywhere(good));
  rmSync(pam('polkit-1'));
  const mounted = await sandbox.exec(['mount', '--bind', '/run/sandbox/vendor', '/usr/lib/pam.d']);
  t.is(mounted.code, 0, mounted.stderr);
  try {
    const open = await refused(t, sandbox);
    t.deepEqual(
      open.map(({ service, repair: said }) => [service, said?.includes('/usr/lib/pam.d/polkit-1, line 5')]),
      [['polkit-1', true]],
      'sudo’s file in /etc comes first',
    );
    writeFileSync(join(vendor, 'polkit-1'), good);
    await holds(t, sandbox, 'vendor');
  } finally {
    await sandbox.exec(['umount', '/usr/lib/pam.d']);
  }
});

test.serial('S12: --uncovered names what may stay open, and nothing else', async (t) => {
  const good = `${COMMON_AUTH}account [success=ignore perm_denied=die default=ignore] pam_scauth.so\n${COMMON_ACCOUNT}`;
  install(sandbox, { ...everywhere(good), su: COMMON_AUTH + COMMON_ACCOUNT });
  t.deepEqual(
    (await refused(t, sandbox)).map(({ service }) => service),
    ['su'],
  );
  t.is((await enforce(sandbox, ['on', '--uncovered', 'sudo'])).code, 2);
  const on = await enforce(sandbox, ['on', '--uncovered', 'su']);
  t.is(on.code, 0, on.stderr);
  t.regex(on.stdout, /A password still opens su\./);
  const status = await enforce(sandbox, ['status']);
  t.is(status.code, 1);
  t.regex(status.stdout, /^NOT COVERED {2}su /m);

  const link = async (service: string): Promise<unknown> => {
    const { stdout } = await sandbox.exec(['sc_auth', 'explain', '-u', 'ada', '-s', service, '--json']);
    const { links } = JSON.parse(stdout) as { links: { name: string }[] };
    return links.find(({ name }) => name === 'enforcement');
  };
  t.like(await link('sudo'), { ok: true });
  t.like(await link('su'), {
    ok: false,
    detail: 'On, but a password opens su: /etc/pam.d/su has no account line of pam_scauth.so',
  });
  const checks = async (): Promise<unknown[]> => {
    const { stdout } = await sandbox.exec(['sc_auth', 'doctor', '--json']);
    const said = JSON.parse(stdout) as { checks: { name: string; state: string; detail: string }[] };
    return said.checks
      .filter(({ name, state }) => name === 'enforcement' && state !== 'warning')
      .map(({ state, detail }) => `${state}: ${detail}`);
  };
  t.deepEqual(await checks(), [
    'broken: A password opens su although the card is required: /etc/pam.d/su has no account line of pam_scauth.so',
  ]);
  install(sandbox, everywhere(good));
  t.deepEqual(await checks(), ['ok: Held by login, sudo, sudo-i, su, su-l, polkit-1']);
  await enforced(sandbox, 'off');
  t.deepEqual(await checks(), []);
});

test.serial(
  'S12: a line that reaches another scauthd does not hold, and the rehearsal sees what no reader can',
  async (t) => {
    const good = `${COMMON_AUTH}account [success=ignore perm_denied=die default=ignore] pam_scauth.so\n${COMMON_ACCOUNT}`;
    install(sandbox, everywhere(good.replaceAll('pam_scauth.so', 'pam_scauth.so socket=/run/other.sock')));
    t.is((await refused(t, sandbox)).length, SERVICES.length);
    // A module of our name that says yes to everything.
    const folder = sandbox.path('/run/sandbox/fake');
    mkdirSync(folder, { recursive: true });
    const { stdout } = await sandbox.exec(['sh', '-c', 'ls /usr/lib/*/security/pam_permit.so']);
    await sandbox.exec(['cp', stdout.trim(), '/run/sandbox/fake/pam_scauth.so']);
    install(sandbox, everywhere(good.replaceAll('pam_scauth.so', '/run/sandbox/fake/pam_scauth.so')));
    const on = await enforce(sandbox, ['on']);
    t.is(on.code, 3, on.stdout);
    t.regex(on.stderr, /In the rehearsal a password opened login, sudo/);
    t.like(await enforced(sandbox, 'status'), { state: 'off' });
    t.is(existsSync(sandbox.path('/etc/scauth/scauth.d/50-enforcement.toml')), true, 'from the tests before');
  },
);

test.serial('S12: on asks what a scauthd that does not run means, and guesses nothing', async (t) => {
  const file = sandbox.path('/etc/scauth/scauth.d/50-enforcement.toml');
  const good = `${COMMON_AUTH}account [success=ignore perm_denied=die default=ignore] pam_scauth.so\n${COMMON_ACCOUNT}`;
  install(sandbox, everywhere(good));
  rmSync(file, { force: true });
  const untold = await sandbox.exec(['sc_auth', 'enforce', 'on']);
  t.is(untold.code, 2, untold.stdout);
  t.regex(untold.stderr, /--agent-absent open, or --agent-absent closed/);
  t.false(existsSync(file));
  const from = sandbox.agentLog().length;
  await enforced(sandbox, 'on', '--agent-absent', 'closed');
  t.regex(readFileSync(file, 'utf8'), /^\[enforcement\]\nagent_absent = "closed"\n$/m);
  t.regex(readFileSync(sandbox.path('/run/scauth/enforcement'), 'utf8'), /^agent_absent closed$/m);
  await person.untilAgentSays(sandbox, 'new configuration: enforcement', from);
  await enforced(sandbox, 'off');

  const asked = sandbox.pty(['sc_auth', 'enforce', 'on']);
  t.is((await asked.exit).code, 0, 'the settings say it already');
  await enforced(sandbox, 'off');
  rmSync(file);
  const perhaps = sandbox.pty(['sc_auth', 'enforce', 'on']);
  await perhaps.expect(/open {4}a password is enough then[^]*closed {2}nobody gets in[^]*open or closed: $/);
  perhaps.send('perhaps\n');
  t.is((await perhaps.exit).code, 2);
  t.false(existsSync(file));
  const open = sandbox.pty(['sc_auth', 'enforce', 'on']);
  await open.expect(/open or closed: $/);
  open.send('open\n');
  t.is((await open.exit).code, 0, open.screen);
  t.regex(readFileSync(file, 'utf8'), /^agent_absent = "open"$/m);
  await enforced(sandbox, 'off');

  // Refused afterwards: what was written is taken back.
  await enforced(sandbox, 'unexempt', 'bob');
  const refusedLater = await enforce(sandbox, ['on', '--agent-absent', 'closed']);
  t.is(refusedLater.code, 3);
  t.regex(refusedLater.stderr, /would shut out: bob/);
  t.regex(readFileSync(file, 'utf8'), /^agent_absent = "open"$/m);
  await enforced(sandbox, 'exempt', 'bob', '--until', '8h');

  const later = sandbox.path('/etc/scauth/scauth.d/60-ours.toml');
  writeFileSync(later, '[enforcement]\nagent_absent = "open"\n');
  const overruled = await enforce(sandbox, ['on', '--agent-absent', 'closed']);
  t.is(overruled.code, 1, overruled.stdout);
  t.regex(overruled.stderr, /A later file/);
  rmSync(later);
  writeFileSync(file, '# mine\n[enforcement]\nremote = false\n');
  const mine = await enforce(sandbox, ['on', '--agent-absent', 'closed']);
  t.is(mine.code, 1, mine.stdout);
  t.regex(mine.stderr, /was written by somebody else/);
  rmSync(file);
});
