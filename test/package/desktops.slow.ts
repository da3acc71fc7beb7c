// Screen locks of desktops as people meet them: KDE's (kscreenlocker_greet), MATE's, slock, swaylock in sway, and xsecurelock
// as Debian builds it, each by Debian's PAM files and our profile, with pam_mount behind it. The pictures in test/artifacts
// show a person being asked for a PIN; slock and swaylock show no word to anybody.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { putDebianFiles, scauthPam } from '../kit/person/debian-pam.ts';
import * as person from '../kit/person/person.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { Desktop, until, type Running } from '../system/session/desktop.ts';
import { putDesktops } from './desktop-programs.ts';

const LIBEXEC = '/usr/lib/x86_64-linux-gnu/libexec';
/** No graphics card, no desktop around it. */
const QT = { QT_QPA_PLATFORM: 'xcb', QT_QUICK_BACKEND: 'software', LIBGL_ALWAYS_SOFTWARE: '1' };

interface Lock {
  readonly name: string;
  /** The PAM service that it runs as, by no word of ours. */
  readonly service: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it asks PAM before the secret is typed, so that its picture can show what is asked. */
  readonly asksFirst: boolean;
  /** Starts what it runs in. */
  readonly prepare?: () => Promise<void>;
  /** Locks, where that is another program's part. */
  readonly lock?: () => Promise<void>;
  /** Whether it waits for somebody to type, where nothing covers the background. */
  readonly isThere?: (running: Running) => boolean;
  /** Whether it is open, where the program goes on then. */
  readonly isOpen?: () => Promise<boolean>;
}

/** Its compositor in a window of the desktop. */
const SWAY = { WLR_BACKENDS: 'x11', WLR_RENDERER: 'pixman', WLR_LIBINPUT_NO_DEVICES: '1' };
const WAYLAND = { WAYLAND_DISPLAY: 'wayland-1' };

const LOCKS: readonly Lock[] = [
  {
    ...{ name: 'kscreenlocker', service: 'kde', asksFirst: true, env: QT },
    argv: [`${LIBEXEC}/kscreenlocker_greet`, '--testing'],
  },
  {
    ...{ name: 'xsecurelock', service: 'common-auth', asksFirst: true },
    argv: ['xsecurelock'],
    env: { XSECURELOCK_SAVER: 'saver_blank', XSECURELOCK_PASSWORD_PROMPT: 'asterisks' },
  },
  {
    ...{ name: 'mate-screensaver', service: 'mate-screensaver', asksFirst: true },
    argv: ['mate-screensaver', '--no-daemon'],
    lock: async () => {
      // It has no name on the bus at first.
      await until(
        async () => (await desktop.run(['mate-screensaver-command', '--lock'])).code === 0,
        () => 'mate-screensaver is not there',
      );
    },
    isOpen: async () =>
      (await desktop.run(['mate-screensaver-command', '--query'])).stdout.includes('is inactive'),
  },
  { name: 'slock', service: 'slock', asksFirst: false, argv: ['slock'] },
  {
    ...{ name: 'swaylock', service: 'swaylock', asksFirst: false, env: WAYLAND },
    argv: ['swaylock', '--color', '104010', '--debug'],
    prepare: async () => {
      const sway = desktop.spawn(['sway', '--config', '/dev/null'], SWAY);
      await until(
        () => existsSync(sandbox.path(`/run/user/${sandbox.uid}/${WAYLAND.WAYLAND_DISPLAY}`)),
        () => `sway does not run:\n${sway.output()}`,
      );
      await desktop.untilStill();
    },
    isThere: (running) => running.output().includes('Prepared to authorize'),
  },
];

let sandbox: Sandbox;
let desktop: Desktop;
/** The colour where no lock is. */
let empty: string;

test.before(async () => {
  // It says then who begins to ask.
  sandbox = await Sandbox.start({ agentEnv: { SCAUTH_DEBUG: 'socket' } });
  await person.pairCard(sandbox);
  await putDesktops(sandbox);
  await putDebianFiles(sandbox, ['desktops']);
  await scauthPam(sandbox, 'enable');
  // Debian ships none for KDE's lock: PAM takes `other`, which has the common files.
  rmSync(sandbox.path('/etc/pam.d/kde'), { force: true });
  const common = ['auth', 'account', 'password', 'session'].map((type) => `@include common-${type}\n`);
  writeFileSync(sandbox.path('/etc/pam.d/other'), common.join(''));
  desktop = await Desktop.start(sandbox);
  empty = await desktop.background();
});
test.after.always(() => sandbox.stop());
test.beforeEach(() => person.freshCard(sandbox));

/** Colours of a picture that is more than one colour and the mouse pointer. */
const DRAWN = 3;

/** Locks, has the keyboard, and asks PAM where it does that before anything is typed. */
async function lock({
  name,
  service,
  argv,
  env,
  asksFirst,
  prepare,
  isThere,
  lock: begin,
}: Lock): Promise<Running> {
  await prepare?.();
  const from = sandbox.agentLog().length;
  const running = desktop.spawn(argv, env);
  await begin?.();
  const asks = (): boolean => sandbox.agentLog().slice(from).includes(`authenticate of ${service} `);
  await until(
    async () => {
      // A key that comes before the lock has the keyboard is lost.
      await desktop.key('Shift_L');
      if (isThere !== undefined) return isThere(running);
      if (!asksFirst) return (await desktop.background()) !== empty;
      return asks() && (await desktop.screenshot(`${name}-pin`)) > DRAWN;
    },
    () => `${name} does not ask:\n${running.output()}\n${sandbox.agentLog().slice(from)}`,
  );
  await desktop.untilStill();
  return running;
}

async function untilOpen(running: Running, { name, isOpen }: Lock): Promise<void> {
  await until(isOpen ?? (() => running.process.exitCode !== null), async () => {
    await desktop.screenshot(`${name}-stays-locked`);
    return `${name} stays locked:\n${running.output()}\n${sandbox.logs()}`;
  });
}

for (const one of LOCKS) {
  test.serial(`C2, C5: ${one.name}, as ${one.service}: it asks for a PIN, which opens it`, async (t) => {
    const running = await lock(one);
    await desktop.screenshot(`${one.name}-pin`);
    await desktop.type(sandbox.pin);
    await untilOpen(running, one);
    const last = person.auditLines(sandbox).findLast(({ metadata }) => metadata.event_code === 'login');
    t.is(last?.service?.name, one.service);
    t.is(last?.status, 'Success');
    t.is(await sandbox.card.verifyCount(), 1);
  });
}
