// What else of a desktop decides about the dialog: logind's word on the session, the screen saver's on the session's bus,
// whether there is a pinentry, and a session without a screen. logind and the screen saver are played by python3-dbusmock.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { Variant } from 'dbus-native';
import {
  cardHash,
  insertCard,
  pullCard,
  reinsertCard,
  untilAgentSays,
  untilEnd,
} from '../../kit/person/person.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import { until, type Running } from './desktop.ts';
import { DialogWorld } from './dialog-world.ts';
import { installLockerServices } from './lockers.ts';
import { UserManager } from './user-manager.ts';

let world: DialogWorld;
let manager: UserManager | undefined;
const NOT_NOW = 'alt+n';

test.before(async () => {
  // The unit's UMask=: what scauthd writes for sessions must be readable all the same.
  world = await DialogWorld.start({ agentPrefix: ['sh', '-c', 'umask 077 && exec "$@"', 'sh'] });
});
test.after.always(async () => {
  manager?.stop();
  await world.sandbox.stop();
  manager?.remove();
});
test.afterEach.always(() => world.stopSessions());

/** Puts the card in anew. @returns what the session's program then says, up to `what` */
async function insertedAnew(session: Running, what: RegExp): Promise<string> {
  const from = session.output().length;
  await reinsertCard(world.sandbox);
  return world.says(session, what, from);
}

/** The dialog opens for a card that is put in now, and is closed again. */
async function opensFor(session: Running): Promise<void> {
  await insertedAnew(session, /: unpaired/);
  await world.untilDialog();
  await world.desktop.key(NOT_NOW);
  await world.untilNoDialog();
}

test.serial('logind: no dialog while it says that this session is locked, or not in front', async (t) => {
  const { sandbox } = world;
  const logind = await LogindMock.startIn(sandbox);
  try {
    // As the session's environment calls it.
    await logind.add({ id: '7', uid: sandbox.uid, user: sandbox.user, display: ':7' });
    const session = await world.startSession();
    const before = world.dialogs;
    await logind.change('7', { LockedHint: new Variant('b', true) });
    await insertedAnew(session, /not now, the screen is locked/);
    await logind.change('7', { LockedHint: new Variant('b', false), Active: new Variant('b', false) });
    await insertedAnew(session, /another session is in front/);
    t.is(world.dialogs, before);
    await logind.change('7', { Active: new Variant('b', true) });
    await opensFor(session);
    t.is(world.dialogs, before + 1, `${session.output()}\n${sandbox.logs()}`);
  } finally {
    logind.stop();
    await sandbox.exec(['rm', '-f', '/run/dbus/system_bus_socket']);
  }
});

test.serial('the screen saver on the session’s bus: no dialog while it is active', async (t) => {
  const name = 'org.freedesktop.ScreenSaver';
  const path = '/org/freedesktop/ScreenSaver';
  const saver = world.desktop.spawn(['/usr/bin/python3', '-m', 'dbusmock', '--session', name, path, name]);
  const ask = async (...call: string[]): Promise<string> =>
    world.mustRun(['dbus-send', '--session', '--print-reply', `--dest=${name}`, path, ...call]);
  const answers = async (active: boolean): Promise<void> => {
    const code = `string:ret = ${active ? 'True' : 'False'}`;
    await ask(
      'org.freedesktop.DBus.Mock.AddMethod',
      `string:${name}`,
      'string:GetActive',
      'string:',
      'string:b',
      code,
    );
  };
  try {
    await until(
      async () =>
        (
          await world.desktop.run([
            'dbus-send',
            '--session',
            '--print-reply',
            `--dest=${name}`,
            path,
            'org.freedesktop.DBus.Peer.Ping',
          ])
        ).code === 0,
      saver.output,
    );
    await answers(true);
    const session = await world.startSession();
    const before = world.dialogs;
    await insertedAnew(session, /not now, the screen is locked/);
    t.is(world.dialogs, before);
    await answers(false);
    await opensFor(session);
  } finally {
    world.stopProgram(saver);
    await saver.exit;
  }
});

test.serial(
  'no pinentry at all: a notification, else the log, says what to do; so does -f on the terminal',
  async (t) => {
    const { sandbox, desktop } = world;
    // What the programs themselves need, and nothing else.
    const bare = `/run/user/${sandbox.uid}/bare`;
    await world.mustRun([
      'sh',
      '-c',
      'mkdir "$1" && for p in dirname readlink; do ln -s "$(command -v $p)" "$1"; done',
      'sh',
      bare,
    ]);
    const PATH = `${bare}:${APP}/install/bin`;
    const TO_DO = /is not paired yet\. To log in with it, run in a terminal: sc_auth pair/;

    const silent = await world.startSession({ PATH });
    await insertedAnew(silent, TO_DO);
    await world.stopSessions();
    const notifications = await world.startNotifications();
    await world.startSession({ PATH });
    await reinsertCard(sandbox);
    await until(() => TO_DO.test(notifications.output()), notifications.output);

    const now = (): Pty =>
      sandbox.pty(['env', `PATH=${PATH}`, 'sc_auth', 'pairing_ui', '-f'], {
        user: sandbox.user,
        env: desktop.environment,
      });
    const { code, screen } = await untilEnd(now());
    t.regex(screen, /There is no pinentry program[^]*pair in a terminal: sc_auth pair/);
    t.is(code, 1);
    await pullCard(sandbox);
    const end = await untilEnd(now());
    t.regex(end.screen, /There is no card in a reader/);
    t.is(end.code, 4);
    await insertCard(sandbox);
  },
);

test.serial('a session without a screen: pairing_ui -f shows the dialog on the terminal', async (t) => {
  const { sandbox } = world;
  const pty = sandbox.pty(['sc_auth', 'pairing_ui', '-f'], {
    user: sandbox.user,
    env: { TERM: 'xterm' },
    size: { rows: 40, columns: 100 },
  });
  await pty.expect('log in with this smart card');
  await pty.expect('Do not show again');
  pty.send('\r'); // Pair
  await pty.expect('It shows that the account is yours');
  await pty.expect('Cancel');
  pty.send(`${sandbox.password}\r`);
  await pty.expect('The card signs with it once');
  await pty.expect('Cancel');
  pty.send(`${sandbox.pin}\r`);
  await pty.expect('The smart card is paired');
  pty.send('\r');
  const { code, screen } = await untilEnd(pty);
  t.is(code, 0, screen);
  for (const secret of [sandbox.password, sandbox.pin]) t.false(screen.includes(secret));
  t.regex(await world.pairings(), /^Hash: [0-9A-F]{40}/m);
  await world.mustRun(['sc_auth', 'unpair']);
});

test.serial(
  'U: the dialog pairs on a terminal of 40 columns, and one that has no room for it is told so',
  async (t) => {
    const { sandbox } = world;
    const dialog = (rows: number, columns: number) =>
      sandbox.pty(['sc_auth', 'pairing_ui', '-f'], {
        user: sandbox.user,
        env: { TERM: 'xterm' },
        size: { rows, columns },
      });
    const small = await untilEnd(dialog(8, 40));
    t.is(small.code, 1);
    t.regex(small.screen, /The terminal is too small for the dialog\. Make it larger, or [^\n]*sc_auth pair/);
    // The terminal of somebody else, as behind `su`: pinentry may not open it.
    const root = sandbox.pty(['su', sandbox.user, '-s', '/bin/sh', '-c', 'sc_auth pairing_ui -f'], {
      env: { TERM: 'xterm' },
      size: { rows: 24, columns: 80 },
    });
    t.regex((await untilEnd(root)).screen, /The dialog could not be shown here\. [^\n]*sc_auth pair/);
    const pty = dialog(24, 40);
    await pty.expect('Not now');
    pty.send('\r'); // Pair
    await pty.expect('Cancel');
    pty.send(`${sandbox.password}\r`);
    await pty.expect('The card signs');
    await pty.expect('Cancel');
    pty.send(`${sandbox.pin}\r`);
    await pty.expect('is paired');
    pty.send('\r');
    t.is((await untilEnd(pty)).code, 0);
    const again = await untilEnd(dialog(24, 40));
    t.is(again.code, 6, 'paired already');
    await world.mustRun(['sc_auth', 'unpair']);
  },
);

// From here on systemd is the user's manager.
test.serial(
  'systemd’s user manager starts it when a card goes in, and nothing stays when it is done',
  async (t) => {
    const { sandbox, desktop } = world;
    const systemd = await UserManager.start(sandbox, desktop, world.env['PATH'] ?? '');
    manager = systemd;
    // As the desktop's autostart does.
    const autostart = await desktop.run(['scauth-session', '--autostart'], world.env);
    t.is(autostart.code, 0, autostart.stderr);
    const active = (): Promise<string> =>
      systemd.systemctl('is-active', 'scauth-session.path', 'scauth-session.service');
    t.is(await active(), 'active\ninactive\n', 'nothing is resident before a card comes');
    const before = world.dialogs;
    await reinsertCard(sandbox);
    await world.untilDialog();
    t.is(await active(), 'active\nactive\n');
    t.is(world.dialogs, before + 1);
    await desktop.key(NOT_NOW);
    await world.untilNoDialog();
    await until(
      async () => (await active()) === 'active\ninactive\n',
      () => systemd.systemctl('status', 'scauth-session.service'),
    );
    t.is(await systemd.systemctl('show', '--property=Result', 'scauth-session.service'), 'Result=success\n');
    t.is((await desktop.run(['pgrep', '-f', 'agent/session'])).stdout, '');
  },
);

test.serial(
  'without logind: card out, and the lock command locks; nothing was resident for it',
  async (t) => {
    const { sandbox, desktop } = world;
    await installLockerServices(sandbox);
    const settings = '[session]\nremoval = "lock"\nlock_command = ["i3lock", "--color=204060"]\n';
    writeFileSync(sandbox.path('/etc/scauth/scauth.toml'), settings);
    const from = sandbox.agentLog().length;
    process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
    await untilAgentSays(sandbox, 'new configuration', from);
    const hash = await cardHash(sandbox);
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code, 0);
    const isLocked = async (): Promise<boolean> => (await desktop.run(['pgrep', '-x', 'i3lock'])).code === 0;
    const untilLocked = (locked: boolean): Promise<void> =>
      until(
        async () => (await isLocked()) === locked,
        () => `i3lock ${locked ? 'does not come' : 'stays'}:\n${sandbox.logs()}`,
      );

    t.is(await desktop.spawn(['i3lock', '--color=204060']).exit, 0);
    await pullCard(sandbox);
    await desktop.type(sandbox.password);
    await untilLocked(false);
    // Opened by the password: the card that comes and goes has nothing to do with it.
    await insertCard(sandbox);
    await pullCard(sandbox);
    await insertCard(sandbox);
    t.is(await desktop.spawn(['i3lock', '--color=204060']).exit, 0);
    t.notRegex(sandbox.agentLog().slice(from), /was taken out: session/, 'nothing was locked so far');
    await desktop.type(sandbox.pin);
    await untilLocked(false);
    await pullCard(sandbox);
    await untilLocked(true);
    await insertCard(sandbox);
    await desktop.untilStill();
    await desktop.type(sandbox.pin);
    await untilLocked(false);
    t.regex(sandbox.auditLog(), /"session-locked"/);
  },
);
