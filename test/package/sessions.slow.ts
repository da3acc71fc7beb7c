// Sessions on Debian 13 with its own systemd, logind, D-Bus and polkitd, the package installed: what scauthd concludes from
// logind, what it asks of it, and what the units promise. What npm test plays with a mock of logind is played by the real one
// here. What stays made up, and why:
// - the display manager and sshd: test/unit/pam/greeter.c calls PAM as both do. A screen and a network are not what is tried.
// - the desktop's locker: dbus-monitor hears the Lock signal that a locker would. Real lockers are in test/system/session.
// - pinentry: a script that answers, since there is no screen. The real ones are in test/system/session/dialog.test.ts.
// - the reader and the card: vsmartcard-vpcd and test/kit/card, as everywhere.
// - the seat's devices: seat0 has no graphics and no virtual terminals, so the newest session at it is the one in front.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { makePackages, type Packages } from './packages.ts';
import { BY_PASSWORD, BY_PIN, prepareSessions, SeatSession, type Answer } from './seat-session.ts';
import { PASSWORD, PIN, USER, World } from './world.ts';

const SEAT = { seat: 'seat0' };
const SETTINGS = '/etc/scauth/scauth.d/sessions.toml';

let world: World;
let packages: Packages;
let hash: string;

test.before(async () => {
  packages = await makePackages();
  world = await World.start('trixie', true);
  await world.must(`apt-get install -y ${packages.first}`);
  await world.startReader();
  await world.startScauthd();
  await world.must('scauth-pam enable --yes');
  await prepareSessions(world);
  await world.must('until sc_auth identities | grep -q Unpaired; do sleep 0.1; done');
  hash = /[0-9A-F]{40}/.exec(await world.must('sc_auth identities'))?.[0] ?? '';
});
test.beforeEach(async () => {
  await world.run(`sc_auth pair -u ${USER} -h ${hash}`);
});
test.after.always(async () => {
  await world.stop();
});

/** Puts settings in force by systemd's reload. */
async function reload(text: string): Promise<void> {
  writeFileSync(world.path(SETTINGS), text);
  await world.must('systemctl reload scauthd');
  await world.must('sc_auth config check');
}

/** Waits for what a shell command says; a test fails by its own time. */
const until = (condition: string): Promise<string> => world.must(`until ${condition}; do sleep 0.2; done`);

const mainPid = async (): Promise<string> =>
  (await world.must('systemctl show --property MainPID --value scauthd')).trim();

test.serial('U5: at a seat: the login and sudo ask for the PIN, and explain names the session', async (t) => {
  const session = await SeatSession.open(world, SEAT, BY_PIN);
  t.regex(await world.must(`loginctl show-session ${session.id}`), /^Seat=seat0$[^]*^Active=yes$/m);
  const sudo = await session.run('sudo id -u', BY_PIN);
  t.is(sudo.code, 0, sudo.screen);
  t.regex(sudo.screen, /^0\r?$/m);
  const { screen } = await session.run('sc_auth explain -s sudo');
  t.regex(screen, new RegExp(`Session ${session.id} of ${USER}\\s+at\\s+seat0`));
  await session.close();
});

for (const [what, place, login] of [
  ['M16: from another host', { rhost: '192.0.2.7' }, BY_PASSWORD],
  ['M16: without a seat', {}, BY_PIN],
] as const)
  test.serial(`${what}: no word of the card, the password opens, and no PIN is sent`, async (t) => {
    const session = await SeatSession.open(world, place, login);
    await world.card.clearLog();
    const sudo = await session.run('sudo id -u', BY_PASSWORD);
    t.is(sudo.code, 0, sudo.screen);
    t.notRegex(sudo.screen, /PIN/);
    const verify = await session.run('sc_auth verifypin');
    t.is(verify.code, 3, verify.screen);
    t.is(await world.card.verifyCount(), 0);
    await session.close();
  });

test.serial('M16: the session that is not the one in front sends no PIN', async (t) => {
  const behind = await SeatSession.open(world, SEAT, BY_PIN);
  const front = await SeatSession.open(world, SEAT, BY_PIN);
  t.regex(await world.must(`loginctl show-session ${behind.id}`), /^Active=no$/m);
  const refused = await behind.run('sc_auth verifypin');
  t.is(refused.code, 3, refused.screen);
  const verified = await front.run('sc_auth verifypin', [/PIN[^\n]*: ?$/m, PIN]);
  t.is(verified.code, 0, verified.screen);
  await front.close();
  await behind.close();
});

test.serial('lock on removal: logind tells the session that the card opened, and no other', async (t) => {
  await reload('[session]\nremoval = "lock"\n');
  const session = await SeatSession.open(world, SEAT, BY_PIN);
  const log = '/run/locks.log';
  const match = "type='signal',interface='org.freedesktop.login1.Session',member='Lock'";
  await world.must(
    `systemd-run --unit=locks --property=StandardOutput=file:${log} dbus-monitor --system "${match}"`,
  );
  await until(`grep -q NameAcquired ${log}`);
  await world.card.eject();
  await until(`grep -q member=Lock ${log}`);
  const path = (
    await world.must(`busctl call org.freedesktop.login1 /org/freedesktop/login1 \
    org.freedesktop.login1.Manager GetSession s ${session.id}`)
  ).split('"')[1];
  t.regex(world.read(log), new RegExp(`path=${path}; [^\\n]*member=Lock`));
  t.is(world.read(log).match(/member=Lock/g)?.length, 1);
  await world.must('systemctl stop locks');
  await world.card.insert();
  await session.close();
});

test.serial('logout on removal: logind ends the session that the card opened', async (t) => {
  await reload('[session]\nremoval = "logout"\n');
  const other = await SeatSession.open(world, { rhost: '192.0.2.7' }, BY_PASSWORD);
  const session = await SeatSession.open(world, SEAT, BY_PIN);
  await world.card.eject();
  await session.ended();
  await until(`! loginctl show-session ${session.id} 2>/dev/null`);
  t.is((await other.run('true')).code, 0, 'the session that a password opened goes on');
  await world.card.insert();
  await other.close();
  await reload('');
});

/** Answers what a person would, and keeps what it was shown. */
const PINENTRY = `#!/bin/bash
log=$XDG_RUNTIME_DIR/pinentry.log
echo 'OK'
while read -r line; do
  echo "$line" >>"$log"
  case $line in
    SETPROMPT*) prompt=$line ;;
    GETPIN) if [[ $prompt == *PIN* ]]; then echo 'D ${PIN}'; else echo 'D ${PASSWORD}'; fi ;;
    BYE) echo OK; exit ;;
  esac
  echo OK
done
`;

test.serial(
  'the user manager’s path unit starts the pairing dialog at an insertion, and the card is paired',
  async (t) => {
    const file = '/usr/local/bin/pinentry-x11';
    writeFileSync(world.path(file), PINENTRY, { mode: 0o755 });
    await world.must(`sc_auth unpair -u ${USER}`);
    const session = await SeatSession.open(world, SEAT, BY_PASSWORD);
    t.is((await session.run('DISPLAY=:7 scauth-session --autostart')).code, 0);
    t.regex((await session.run('systemctl --user is-active scauth-session.path')).screen, /^active\r?$/m);
    // Not right after a login, and not while the screen is locked.
    const uid = (await world.must(`id -u ${USER}`)).trim();
    const log = `/run/user/${uid}/pinentry.log`;
    const lockedHint = (value: boolean): Promise<string> =>
      world.must(`busctl call org.freedesktop.login1 $(busctl call org.freedesktop.login1 /org/freedesktop/login1 \
      org.freedesktop.login1.Manager GetSession s ${session.id} | cut -d'"' -f2) \
      org.freedesktop.login1.Session SetLockedHint b ${String(value)}`);
    const reinsert = async (): Promise<void> => {
      await world.card.eject();
      await until(`! sc_auth identities | grep -q ${hash}`);
      await world.card.insert();
      await until('sc_auth identities | grep -q Unpaired');
    };
    await world.must('sleep 9');
    await lockedHint(true);
    await reinsert();
    await until(`journalctl --no-pager _UID=${uid} | grep -q listening`);
    await world.must('sleep 2');
    t.is((await world.run(`cat ${log}`)).code, 1, 'locked: no dialog');
    await lockedHint(false);
    await reinsert();
    await until(`sc_auth list -u ${USER} | grep -q ${hash}`);
    t.regex(world.read(log), /CONFIRM[^]*GETPIN[^]*GETPIN/);
    t.regex(await world.must(`journalctl --no-pager _SYSTEMD_USER_UNIT=scauth-session.service`), /listening/);
    await world.must(`rm ${file}`);
    await session.close();
  },
);

test.serial(
  'systemctl reload: settings are taken; bad ones are refused with a word, and the old ones stay',
  async (t) => {
    const pid = await mainPid();
    await reload('[login]\nservices = ["login"]\n');
    const session = await SeatSession.open(world, SEAT, BY_PASSWORD);
    t.notRegex((await session.run('sudo id -u', BY_PASSWORD)).screen, /PIN/);
    writeFileSync(world.path(SETTINGS), '[login]\nservices = ["sudo"]\nservises = 1\n');
    await world.must('systemctl reload scauthd');
    await until("journalctl --no-pager -u scauthd | grep -q 'servises'");
    t.notRegex((await session.run('sudo id -u', BY_PASSWORD)).screen, /PIN/, 'the old settings are in force');
    const doctor = await world.run('sc_auth doctor');
    t.regex(doctor.output, /servises/);
    await reload('');
    t.is((await session.run('sudo id -u', BY_PIN)).code, 0);
    t.is(await mainPid(), pid);
    await session.close();
  },
);

/** pkttyagent throws away what was typed before it switched the echo off, which it does after its question. */
async function askPolkit(
  session: SeatSession,
  [question, answer]: Answer,
): Promise<{ code: number; screen: string }> {
  await session.run('stty echo');
  const [tty = ''] = /\/dev\/pts\/\d+/.exec((await session.run('tty')).screen) ?? [];
  await session.begin('ask-polkit', question);
  await until(`stty -F ${tty} -a | grep -q -- ' -echo '`);
  return session.goOn(answer);
}

test.serial('polkit: a real agent, the real polkitd and its PAM: the PIN opens at the seat', async (t) => {
  await world.must(`usermod -aG sudo ${USER}`);
  const session = await SeatSession.open(world, SEAT, BY_PIN);
  const script = [
    'mkfifo ready 2>/dev/null',
    'pkttyagent --process $$ --notify-fd 3 3>ready & cat ready',
    'pkcheck --process $$ --allow-user-interaction --action-id org.freedesktop.policykit.exec',
    'code=$?; kill $!; exit $code',
  ].join('\n');
  writeFileSync(world.path('/usr/local/bin/ask-polkit'), `#!/bin/bash\ncd\n${script}\n`, { mode: 0o755 });
  const asked = await askPolkit(session, BY_PIN);
  t.is(asked.code, 0, asked.screen);
  t.regex(asked.screen, /AUTHENTICATION COMPLETE/);
  await session.close();
  const remote = await SeatSession.open(world, { rhost: '192.0.2.7' }, BY_PASSWORD);
  const byPassword = await askPolkit(remote, BY_PASSWORD);
  t.is(byPassword.code, 0, byPassword.screen);
  t.notRegex(byPassword.screen, /PIN/);
  await remote.close();
});

test.serial(
  'A6: a scauthd that is stopped: the password opens meanwhile, and the watchdog starts it anew',
  async (t) => {
    const pid = await mainPid();
    const session = await SeatSession.open(world, SEAT, BY_PIN);
    await world.must(`kill -STOP ${pid}`);
    const sudo = await session.run('sudo id -u', BY_PASSWORD);
    t.is(sudo.code, 0, sudo.screen);
    await until(
      `[ "$(systemctl show --property MainPID --value scauthd)" != ${pid} ] && systemctl is-active -q scauthd`,
    );
    t.regex(await world.must('journalctl --no-pager -u scauthd'), /[Ww]atchdog/);
    await until('sc_auth identities | grep -q .');
    t.is((await session.run('sudo id -u', BY_PIN)).code, 0);
    await session.close();
  },
);

test.serial(
  'M15: an upgrade while sudo asks in a session: the PIN is asked for once more, and opens',
  async (t) => {
    const session = await SeatSession.open(world, SEAT, BY_PIN);
    await session.begin('sudo id -u', BY_PIN[0]);
    await world.must(`apt-get install -y ${packages.later}`);
    await world.startScauthd();
    const { code, screen } = await session.goOn(PIN, BY_PIN);
    t.is(code, 0, screen);
    await session.close();
  },
);
