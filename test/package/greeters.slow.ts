// Display managers as people meet them: lightdm with its GTK greeter, sddm with its own, greetd with agreety, each the real
// daemon with Debian's PAM files, our profile and pam_mount behind it, in a namespace of its own. What they show is in
// test/artifacts: lightdm's greeter and agreety say PIN; sddm's asks for a secret before it asks PAM, in its theme's words, and
// with the theme of ours says PIN as well.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putDebianFiles, scauthPam } from '../kit/person/debian-pam.ts';
import { greet } from '../kit/person/greeter.ts';
import * as person from '../kit/person/person.ts';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { Desktop, until } from '../system/session/desktop.ts';
import { buildPam } from '../unit/pam/build.ts';
import { putDesktops } from './desktop-programs.ts';

/** Of what the display managers start. */
const PLACE = '/run/greeters';
const SCREEN = `${PLACE}/screen`;
const MOUNT = '/run/ada-mount';
const QT = { QT_QUICK_BACKEND: 'software', LIBGL_ALWAYS_SOFTWARE: '1' };
/** The colour of a screen on which nothing was drawn. */
const EMPTY = '#000000';

let sandbox: Sandbox;

/** Stands for the X server of a machine without a screen, and speaks to whoever starts it as that does. */
const X_SERVER = `#!/bin/sh
display= fd=
while [ $# -gt 0 ]; do
  case $1 in :*) display=$1 ;; -displayfd) fd=$2 ;; esac
  shift
done
exec Xvfb $display \${fd:+-displayfd $fd} -screen 0 1280x800x24 -nolisten tcp -noreset -ac -fbdir ${SCREEN}
`;
/** The user's session: what it was told, and its end. */
const SESSION = `#!/bin/sh
env > ${PLACE}/session.new && mv ${PLACE}/session.new ${PLACE}/session
`;
/**
 * lightdm ends by a signal that its session's process passes on, and where the session is over, exits in the signal's handler:
 * with a module of PAM in the middle of a fork(3) it then waits for itself for ever. So this one is there until the end.
 */
const STAYING = `#!/bin/sh
${PLACE}/start-session
exec sleep infinity
`;
/** Of the system's bus, on which nobody else is. */
const BUS = `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="*"/><allow send_destination="*"/>
<allow receive_sender="*"/><allow receive_type="method_call"/><allow receive_type="method_return"/>
<allow receive_type="signal"/><allow receive_type="error"/></policy></busconfig>`;
const LIGHTDM = `[LightDM]
logind-check-graphical=false
[Seat:*]
xserver-command=${PLACE}/x-server
greeter-session=lightdm-gtk-greeter
greeter-hide-users=false
session-wrapper=${PLACE}/staying-session
`;
const SDDM = `[General]
InputMethod=
[X11]
ServerPath=${PLACE}/x-server
SessionCommand=${PLACE}/start-session
[Wayland]
SessionDir=${PLACE}/none
`;
const GREETD = `[terminal]
vt = "none"
[default_session]
command = "/usr/bin/env SHELL=/bin/sh /usr/bin/script -qec '/usr/sbin/agreety --cmd ${PLACE}/start-session' /dev/null"
user = "_greetd"
`;
/** As a package's postinst makes them. */
const ACCOUNTS = `set -e
for name in lightdm sddm _greetd; do useradd -r -U -d "/var/lib/$name" -m -s /bin/false "$name"; done
mkdir -p /var/lib/lightdm-data /var/log/lightdm ${SCREEN} ${PLACE}/none ${MOUNT} /run/dbus
chmod 1777 ${PLACE}
mount -t tmpfs -o mode=1777 sandbox /tmp
mkdir -m 1777 /tmp/.X11-unix
sed -i 's|</pam_mount>|<volume user="ada" fstype="tmpfs" path="tmpfs" mountpoint="${MOUNT}" options="size=1m"/>&|' \
  /etc/security/pam_mount.conf.xml
`;

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start({ agentEnv: { SCAUTH_DEBUG: 'socket' } });
  await person.pairCard(sandbox);
  await putDesktops(sandbox);
  await putDebianFiles(sandbox, ['desktops']);
  await scauthPam(sandbox, 'enable');
  const { code, stderr } = await sandbox.exec(['sh', '-c', ACCOUNTS]);
  if (code !== 0) throw new Error(stderr);
  const put = (path: string, text: string, mode = 0o644): void => {
    writeFileSync(sandbox.path(path), text, { mode });
  };
  put(`${PLACE}/x-server`, X_SERVER, 0o755);
  put(`${PLACE}/start-session`, SESSION, 0o755);
  put(`${PLACE}/staying-session`, STAYING, 0o755);
  put(`${PLACE}/bus.conf`, BUS);
  put(`${PLACE}/lightdm.conf`, LIGHTDM);
  put('/etc/sddm.conf', SDDM);
  put(`${PLACE}/greetd.toml`, GREETD);
  start(['dbus-daemon', `--config-file=${PLACE}/bus.conf`, '--nofork', '--nopidfile']);
  await until(
    () => existsSync(sandbox.path('/run/dbus/system_bus_socket')),
    () => 'no system bus',
  );
});
test.after.always(() => sandbox.stop());
test.beforeEach(async () => {
  await person.freshCard(sandbox);
  rmSync(sandbox.path(`${PLACE}/session`), { force: true });
});

/** A program of root's that goes on. @returns what it says, and its end */
function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = sandbox.namespace.spawn(argv, { env: { ...sandbox.environment(), ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const stop = async (): Promise<void> => {
    const pid = sandbox.namespace.pidOf(child);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (pid === null || child.exitCode !== null) return;
    process.kill(pid, 'SIGTERM');
    await ended;
  };
  return { output: () => output, stop };
}

/** A display manager, up to its greeter's being there for somebody to type. @param isReady asked once there is a screen */
async function greeter(
  name: string,
  argv: readonly string[],
  isReady: (screen: Desktop) => boolean | Promise<boolean>,
  env = {},
) {
  rmSync(sandbox.path(`${SCREEN}/Xvfb_screen0`), { force: true });
  const manager = start(argv, env);
  const screen = Desktop.at(sandbox, ':0', SCREEN);
  // Xvfb's file has a picture when somebody can ask it.
  const shows = async (): Promise<boolean> =>
    (await screen.run(['xdotool', 'getmouselocation'])).code === 0 && isReady(screen);
  await until(shows, () => `${name}:\n${manager.output()}\n${sandbox.logs()}`);
  await screen.untilStill();
  await screen.screenshot(`${name}-pin`);
  return { screen, manager };
}

/** 1 stands for whatever window the mouse is in: nobody's keys yet (Xlib, PointerRoot). */
const hasKeys = async (screen: Desktop): Promise<boolean> =>
  Number((await screen.run(['xdotool', 'getwindowfocus', '-f'])).stdout) > 1;
const hasDrawn = async (screen: Desktop): Promise<boolean> =>
  (await screen.background()) !== EMPTY && (await hasKeys(screen));
const asks = (service: string, from: number) => (): boolean =>
  sandbox.agentLog().slice(from).includes(`authenticate of ${service} for ada`);

/** The environment of the session that began. */
async function sessionOf(otherwise: () => string): Promise<string> {
  const file = sandbox.path(`${PLACE}/session`);
  await until(
    () => existsSync(file),
    () => `no session:\n${otherwise()}\n${sandbox.logs()}`,
  );
  return readFileSync(file, 'utf8');
}

async function letInByCard(t: ExecutionContext, service: string, session: string): Promise<void> {
  t.regex(session, /^USER=ada$/m);
  t.regex(session, /^PKCS11_LOGIN_TOKEN_NAME=Ada Lovelace$/m);
  const last = person.auditLines(sandbox).findLast(({ metadata }) => metadata.event_code === 'login');
  t.deepEqual([last?.service?.name, last?.status], [service, 'Success']);
  t.is(await sandbox.card.verifyCount(), 1);
}

test.serial(
  'C2: lightdm and its GTK greeter: the message says PIN, and the PIN opens a session',
  async (t) => {
    const argv = ['lightdm', '--config', `${PLACE}/lightdm.conf`];
    const ready = asks('lightdm', sandbox.agentLog().length);
    const { screen, manager } = await greeter('lightdm-gtk-greeter', argv, ready);
    await screen.type(sandbox.pin);
    await letInByCard(t, 'lightdm', await sessionOf(manager.output));
    await manager.stop();
  },
);

test.serial('C2: lightdm: a wrong PIN is said with what is wanted now, and the password opens', async (t) => {
  const argv = ['lightdm', '--config', `${PLACE}/lightdm.conf`];
  const ready = asks('lightdm', sandbox.agentLog().length);
  const { screen, manager } = await greeter('lightdm-gtk-greeter-wrong', argv, ready);
  await screen.type(person.WRONG_PIN);
  await person.untilAudited(sandbox, 'wrong-pin');
  await screen.untilStill();
  await screen.screenshot('lightdm-gtk-greeter-wrong-pin');
  await screen.type(sandbox.password);
  const session = await sessionOf(manager.output);
  t.regex(session, /^USER=ada$/m);
  t.notRegex(session, /PKCS11_LOGIN_TOKEN_NAME/);
  t.is(await sandbox.card.getTries(), 2);
  await manager.stop();
});

test.serial('C2, C3: sddm and its greeter, pam_mount behind us: one PIN opens a session', async (t) => {
  const from = sandbox.agentLog().length;
  const { screen, manager } = await greeter('sddm-greeter', ['sddm'], hasDrawn, QT);
  await screen.type(sandbox.pin);
  await letInByCard(t, 'sddm', await sessionOf(manager.output));
  t.is(
    sandbox
      .agentLog()
      .slice(from)
      .match(/authenticate of sddm /g)?.length,
    1,
  );
  await manager.stop();
});

test.serial('C2: sddm with the theme of ours: the field says PIN, and the PIN opens a session', async (t) => {
  const theme = '/usr/share/sddm/themes/scauth';
  const put = `install -D -m 0644 -t ${theme} ${APP}/install/sddm/scauth/*`;
  t.is((await sandbox.exec(['sh', '-c', put])).code, 0);
  writeFileSync(sandbox.path('/etc/sddm.conf'), `${SDDM}[Theme]\nCurrent=scauth\n`);
  // Whom sddm let in last stands in the field already, and the cursor in the next one.
  rmSync(sandbox.path('/var/lib/sddm/state.conf'), { force: true });
  const { screen, manager } = await greeter('sddm-greeter-scauth', ['sddm'], hasDrawn, QT);
  await screen.type(sandbox.user);
  await screen.screenshot('sddm-greeter-scauth-typed');
  await screen.type(sandbox.pin);
  await letInByCard(t, 'sddm', await sessionOf(manager.output));
  await manager.stop();
});

test.serial('greetd and agreety: the prompt says PIN, and the PIN opens a session', async (t) => {
  const pty = sandbox.pty(['greetd', '--config', `${PLACE}/greetd.toml`]);
  await pty.expect(/login: $/);
  pty.send(`${sandbox.user}\n`);
  await pty.expect(/^PIN of 'Ada Lovelace' \(Enter: password\): $/m);
  const artifacts = join(REPOSITORY, 'test/artifacts');
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, 'agreety-pin.txt'), pty.screen);
  pty.send(`${sandbox.pin}\n`);
  await letInByCard(t, 'greetd', await sessionOf(() => pty.screen));
});

test.serial('C3: pam_mount behind us mounts and asks for nothing; without only_secret it asks', async (t) => {
  const file = sandbox.path('/etc/pam.d/common-auth');
  const before = readFileSync(file, 'utf8');
  t.regex(before, /pam_scauth\.so only_secret[^]*^auth\s+optional\s+pam_mount\.so/m);
  const asked = async (): Promise<string[]> => {
    const answers = [sandbox.pin, sandbox.password];
    const { stdout, stderr } = await greet(
      sandbox,
      ['cat', '/proc/mounts'],
      answers,
      sandbox.user,
      'lightdm',
    );
    t.true(stdout.includes(` ${MOUNT} tmpfs `), stdout + stderr);
    return stdout.split('\n').filter((line) => line.startsWith('ask='));
  };
  t.is((await asked()).length, 1);
  writeFileSync(file, before.replace('pam_scauth.so only_secret', 'pam_scauth.so'));
  const more = await asked();
  writeFileSync(file, before);
  t.is(more.length, 2);
  t.regex(more[1] ?? '', /pam_mount password/);
});
