// The ways in that stay while enforcement is on, with the real programs: break-glass code, root on a console, exemption,
// sudo's ticket, root's own su, scauthd gone; and ssh keys, where they are bound.
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { BREAK_GLASS_PROMPT, CARD_REQUIRED, cardRequired, enforced } from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { byKey, byQuestions, sshdLog, startSshd } from '../../kit/person/sshd-keys.ts';

let sandbox: Sandbox;
let code = '';

test.before(async () => {
  sandbox = await Sandbox.start({ config: '' });
  await person.addUser(sandbox, 'bob');
  await enforced(sandbox, 'exempt', 'bob', '--until', '8h');
  code = String((await cardRequired(sandbox))['breakGlassCode']);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

function byPassword(argv: readonly string[], ...more: readonly person.Move[]) {
  const pty = sandbox.pty(argv, { user: sandbox.user });
  return answer(pty, [[PIN_PROMPT, ''], [PASSWORD_PROMPT, sandbox.password], ...more]);
}

/** The last record of a kind, by its OCSF name. */
function lastOf(kind: string): person.AuditLine | undefined {
  return person.auditLines(sandbox).findLast(({ metadata }) => metadata.event_code === kind);
}

/** New settings, in force when this returns. */
async function configure(text: string): Promise<void> {
  writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), text);
  const from = sandbox.agentLog().length;
  process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
  await person.untilAgentSays(sandbox, 'scauthd: new configuration', from);
}

test.serial('S6: PAM_TTY alone makes no console of where root is', async (t) => {
  for (const tty of ['/dev/tty1', '/dev/console', '/dev/pts/9']) {
    const argv = ['pamtester', '-I', `tty=${tty}`, 'login', 'root', 'authenticate', 'acct_mgmt'];
    const { code: exit } = await sandbox.exec(argv, { input: `${sandbox.rootPassword}\n\n` });
    t.not(exit, 0, tty);
  }
});

test.serial('an exempt account gets in by password, and the log says so', async (t) => {
  const pty = sandbox.pty(['su', 'bob', '-c', 'id -un'], { user: sandbox.user });
  const { screen } = await answer(pty, [[PASSWORD_PROMPT, 'bob']]);
  t.regex(screen, /^bob\r?$/m);
  t.like(lastOf('exemption-used'), { user: { name: 'bob' }, unmapped: { rule: 'exemption' } });
});

test.serial('the exempt group: a member gets in by password, and nobody who has left it', async (t) => {
  await sandbox.exec(['sh', '-c', `groupadd robots && usermod -aG robots ${sandbox.user}`]);
  await configure('[enforcement]\nexempt_group = "robots"\n');
  const member = await byPassword(['sudo', 'id', '-u']);
  t.is(member.code, 0, member.screen);
  t.like(lastOf('exemption-used'), {
    user: { name: 'ada' },
    unmapped: { rule: 'enforcement.exempt_group' },
  });
  await sandbox.exec(['gpasswd', '-d', sandbox.user, 'robots']);
  const left = await byPassword(['sudo', 'id', '-u'], [BREAK_GLASS_PROMPT, '']);
  t.not(left.code, 0);
  await configure('');
});

test.serial('M38: the groups that need the card: who is in none gets in by password', async (t) => {
  await sandbox.exec(['groupadd', 'cardholders']);
  await configure('[enforcement]\nrequired_groups = ["cardholders"]\n');
  const free = await byPassword(['sudo', 'id', '-u']);
  t.is(free.code, 0, free.screen);
  const { stdout } = await sandbox.exec(['sc_auth', 'enforce', 'plan']);
  t.regex(stdout, new RegExp(`gets in +${sandbox.user} .*in none of the groups`));
  await sandbox.exec(['gpasswd', '-a', sandbox.user, 'cardholders']);
  const bound = await byPassword(['sudo', 'id', '-u'], [BREAK_GLASS_PROMPT, '']);
  t.not(bound.code, 0, bound.screen);
  await sandbox.exec(['sh', '-c', `gpasswd -d ${sandbox.user} cardholders; groupdel cardholders`]);
  const slip = await byPassword(['sudo', 'id', '-u'], [BREAK_GLASS_PROMPT, '']);
  t.not(slip.code, 0, slip.screen);
  await configure('');
});

test.serial('what asks nobody goes on: root’s su, sudo’s ticket after a card login', async (t) => {
  const su = await sandbox.exec(['su', sandbox.user, '-c', 'id -un']);
  t.is(su.stdout, `${sandbox.user}\n`);
  const sudoers = sandbox.path('/etc/sudoers');
  const before = readFileSync(sudoers, 'utf8');
  writeFileSync(sudoers, before.replace('timestamp_timeout=0', 'timestamp_timeout=5'));
  const twice = 'sudo id -u; sudo -n id -u && echo by the ticket';
  const refused = await byPassword(['sh', '-c', twice], [BREAK_GLASS_PROMPT, '']);
  t.false(ROOT.test(refused.screen), 'a refused password leaves no ticket');
  t.false(refused.screen.includes('by the ticket'), refused.screen);
  const card = await answer(sandbox.pty(['sh', '-c', twice], { user: sandbox.user }), [
    [PIN_PROMPT, sandbox.pin],
  ]);
  t.true(card.screen.includes('by the ticket'), card.screen);
  writeFileSync(sudoers, before);
});

test.serial('L25: the break-glass code opens sudo once, and shouts', async (t) => {
  const opened = await byPassword(
    ['sudo', 'id', '-u'],
    [BREAK_GLASS_PROMPT, 'correct-horse'],
    [BREAK_GLASS_PROMPT, code.toLowerCase()],
  );
  t.is(opened.code, 0, opened.screen);
  t.regex(opened.screen, ROOT);
  t.true(opened.screen.includes('This is not a break-glass code'), opened.screen);
  t.false(opened.screen.includes(code.toLowerCase()), 'it does not show');
  t.like(lastOf('break-glass-used'), { user: { name: 'ada' }, service: { name: 'sudo' } });
  t.like(await enforced(sandbox, 'status'), { state: 'on', breakGlass: false });
  const again = await byPassword(['sudo', 'id', '-u']);
  t.not(again.code, 0);
  t.true(again.screen.includes(CARD_REQUIRED), again.screen);

  const next = String((await enforced(sandbox, 'code'))['breakGlassCode']);
  const byNext = await byPassword(
    ['sudo', 'id', '-u'],
    [BREAK_GLASS_PROMPT, code],
    [BREAK_GLASS_PROMPT, next],
  );
  t.is(byNext.code, 0, byNext.screen);
  await enforced(sandbox, 'code');
});

test.serial('explain says that the card is required, by the rule that decides', async (t) => {
  const link = async (user: string): Promise<unknown> => {
    const { stdout } = await sandbox.exec(['sc_auth', 'explain', '-u', user, '--json']);
    const { links } = JSON.parse(stdout) as { links: { name: string; ok: boolean; detail: string }[] };
    return links.find(({ name }) => name === 'enforcement');
  };
  t.like(await link('ada'), { ok: true, detail: 'On: a password alone is not enough, the card is required' });
  t.like(await link('bob'), { ok: true, detail: 'On, but a password is enough here (exemption)' });
});

test.serial('the code is in no file of scauthd’s', async (t) => {
  const next = String((await enforced(sandbox, 'code'))['breakGlassCode']);
  const plain = next.replaceAll('-', '');
  const found = await sandbox.exec([
    'sh',
    '-c',
    `grep -rlE '${next}|${plain}' /run/sandbox/state /run/sandbox/log`,
  ]);
  t.is(found.stdout, '');
});

test.serial('sshd: a key opens while only local logins are bound, and no longer when all are', async (t) => {
  await startSshd(sandbox);
  const free = await byKey(sandbox);
  t.is(free.stdout, `${sandbox.user}\n`, `${free.stderr}\n${sshdLog(sandbox)}`);
  await configure('[enforcement]\nremote = true\n');
  const bound = await byKey(sandbox);
  t.not(bound.code, 0);
  t.is(bound.stdout, '');
  t.regex(sshdLog(sandbox), /Accepted publickey|Access denied for user ada by PAM account configuration/);
  await person.untilAudited(sandbox, 'card-required');
});

test.serial('sshd: the card opens, the password does not; both phases are one login', async (t) => {
  const card = await answer(byQuestions(sandbox), [[PIN_PROMPT, sandbox.pin]]);
  t.regex(card.screen, /^ada\r?$/m, `${card.screen}\n${sshdLog(sandbox)}`);
  const password = await answer(byQuestions(sandbox), [
    [PIN_PROMPT, ''],
    [PASSWORD_PROMPT, sandbox.password],
    [BREAK_GLASS_PROMPT, ''],
  ]);
  t.not(password.code, 0);
  t.false(/^ada\r?$/m.test(password.screen), password.screen);
});

test.serial('cards that may not be used are not required, and SIGHUP is enough for that', async (t) => {
  await configure('[login]\ncards_allowed = false\n');
  const { code: exit, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.is(exit, 0, screen);
  await configure('');
});

test.serial(
  'L25: settings that shut somebody out are told of, before and when they come into force',
  async (t) => {
    const check = () => sandbox.exec(['sc_auth', 'config', 'check']);
    const write = (text: string): void => {
      writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), text);
    };
    t.is((await check()).code, 0);
    write('[tokens]\ndisabled = ["org.scauth.piv"]\n');
    const drivers = await check();
    t.is(drivers.code, 1, 'as after a restart');
    t.regex(drivers.stdout, /is good\.\nWARNING: enforcement is on, .* are shut out: ada\./);
    const request = [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
    ];
    const files = ['-keyout', '/dev/null', '-out', '/etc/scauth/other.pem', '-subj', '/CN=Another authority'];
    t.is((await sandbox.exec([...request, ...files])).code, 0);
    const strict = '[trust]\nlevel = 1\nauthorities = ["/etc/scauth/other.pem"]\n';
    write(strict);
    t.regex((await check()).stdout, /shut out: ada/);
    const from = sandbox.agentLog().length;
    await configure(strict);
    await person.untilAgentSays(sandbox, 'with the new settings enforcement shuts out ada', from);
    t.regex((await sandbox.exec(['sc_auth', 'doctor'])).stdout, /BROKEN {3}enforcement .*shuts out ada/);
    t.regex((await sandbox.exec(['sc_auth', 'enforce', 'plan'])).stdout, /ada .*not taken \(trust\.level/);
    await configure('');
    t.is((await check()).code, 0);
    const disable = await sandbox.exec(['sc_auth', 'enable-for-login', '--disable', 'org.scauth.piv']);
    t.is(disable.code, 3);
    t.regex(disable.stderr, /would shut out: ada/);
  },
);

test.serial(
  'L25: with scauthd gone the password opens; when it is back the card is required again',
  async (t) => {
    await sandbox.stopAgent();
    const gone = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.is(gone.code, 0, gone.screen);
    await sandbox.startAgent();
    await sandbox.untilCardRead();
    t.like(await enforced(sandbox, 'status'), { state: 'on' });
    const back = await byPassword(['sudo', 'id', '-u'], [BREAK_GLASS_PROMPT, '']);
    t.not(back.code, 0);
  },
);

test.serial('L25: the last card is not unpaired unless root says so by name', async (t) => {
  const own = await sandbox.exec(['sc_auth', 'unpair'], { user: sandbox.user });
  t.is(own.code, 3);
  t.regex(own.stderr, /would shut out: ada/);
  const forced = await sandbox.exec(['sc_auth', 'unpair', '--shut-out'], { user: sandbox.user });
  t.is(forced.code, 3, 'that word is root’s');
  const root = await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  t.is(root.code, 3);
  const byName = await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '--shut-out']);
  t.is(byName.code, 0, byName.stderr);
  const plan = await sandbox.exec(['sc_auth', 'enforce', 'plan']);
  t.is(plan.code, 1);
  await enforced(sandbox, 'off');
  const open = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.is(open.code, 0, open.screen);
});
