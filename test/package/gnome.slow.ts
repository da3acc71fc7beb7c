// C1: GNOME's removal action. gdm is played (test/unit/pam/greeter.c); gsd-smartcard of Debian's gnome-settings-daemon runs in the
// session with the environment that PAM gave it, reads the card by p11-kit and OpenSC, and locks by a bus of its own.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { putDebianFiles, registerGdm, scauthPam } from '../kit/person/debian-pam.ts';
import { greet } from '../kit/person/greeter.ts';
import * as person from '../kit/person/person.ts';
import { APP } from '../kit/sandbox/namespace.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { Desktop, until, type Running } from '../system/session/desktop.ts';
import { buildPam } from '../unit/pam/build.ts';
import { putDesktops } from './desktop-programs.ts';

const NAME = 'PKCS11_LOGIN_TOKEN_NAME';
/** What GNOME's shell is to the daemon: it can be told to lock. */
const SHELL = `
import dbus, dbus.service, dbus.mainloop.glib
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
class Shell(dbus.service.Object):
    @dbus.service.method('org.gnome.ScreenSaver')
    def Lock(self):
        print('locked', flush=True)
bus = dbus.SessionBus()
name = dbus.service.BusName('org.gnome.ScreenSaver', bus)
shell = Shell(bus, '/org/gnome/ScreenSaver')
print('ready', flush=True)
GLib.MainLoop().run()
`;
const SETTINGS = `[org/gnome/settings-daemon/peripherals/smartcard]
removal-action='lock-screen'
`;
/** As an administrator sets it up for GNOME of Debian 12, which reads NSS's list of modules. */
const SETUP = `set -e
mkdir -p /etc/pki/nssdb "$1/.config/glib-2.0/settings"
modutil=$(ls ${APP}/build/libnss3-tools/usr/bin/modutil)
"$modutil" -dbdir sql:/etc/pki/nssdb -create -force
"$modutil" -dbdir sql:/etc/pki/nssdb -add p11-kit-proxy -libfile "$(ls /usr/lib/*/p11-kit-proxy.so)" -force
chmod -R a+rX /etc/pki
chown -R "$2:$2" "$1/.config"
`;

let sandbox: Sandbox;
let desktop: Desktop;
let shell: Running;

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start();
  await person.pairCard(sandbox);
  await putDesktops(sandbox);
  await putDebianFiles(sandbox, ['gdm3']);
  await registerGdm(sandbox);
  await scauthPam(sandbox, 'enable');
  desktop = await Desktop.start(sandbox);
  const home = `/run/sandbox/home/${sandbox.user}`;
  const { code, stderr } = await sandbox.exec(['sh', '-c', SETUP, 'sh', home, String(sandbox.uid)]);
  if (code !== 0) throw new Error(stderr);
  writeFileSync(sandbox.path(`${home}/.config/glib-2.0/settings/keyfile`), SETTINGS);
  shell = desktop.spawn(['python3', '-c', SHELL]);
  await until(
    () => shell.output().includes('ready'),
    () => shell.output(),
  );
});
test.after.always(() => sandbox.stop());
test.beforeEach(() => person.freshCard(sandbox));

const locks = (): number => shell.output().match(/^locked$/gm)?.length ?? 0;

/** The daemon of a session, when it has looked at the cards that are in. */
async function daemon(tokenName: string): Promise<Running> {
  const running = desktop.spawn(['/usr/libexec/gsd-smartcard', '--verbose'], {
    ...{ GSETTINGS_BACKEND: 'keyfile', [NAME]: tokenName },
  });
  await until(
    () => running.output().includes('Previously used to login:'),
    () => `no card is seen:\n${running.output()}`,
  );
  return running;
}

test.serial(
  'C1: the card that logged in is the one whose removal locks, and nothing locks before',
  async (t) => {
    const { stdout } = await greet(sandbox, ['env'], [sandbox.pin], sandbox.user, 'gdm-smartcard');
    const name = new RegExp(`^${NAME}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
    t.is(name, 'Ada Lovelace', stdout);
    const running = await daemon(name);
    t.regex(running.output(), /Token 'Ada Lovelace'[^]*Previously used to login: yes/);
    t.is(locks(), 0);
    await sandbox.card.eject();
    await until(
      () => locks() === 1,
      () => `no lock:\n${running.output()}`,
    );
    t.regex(running.output(), /Detected smartcard removal event/);
    running.process.kill();
    await sandbox.card.insert();
  },
);

test.serial('C1: why a name that is not certain is not said: GNOME locks at once', async (t) => {
  const before = locks();
  const running = await daemon('Ada King');
  await until(
    () => locks() > before,
    () => `no lock:\n${running.output()}`,
  );
  t.pass();
});
