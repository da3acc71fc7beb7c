// Screen unlock with real lockers that run as the user, by real keystrokes; pictures are in test/artifacts.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { DEFAULTS, Sandbox } from '../../kit/sandbox/sandbox.ts';
import { enforced, requireNobodyElse } from '../../kit/person/enforcement.ts';
import {
  expectCardLogin,
  freshCard,
  insertCard,
  pairCard,
  pullCard,
  reinsertCard,
  untilAudited,
  WRONG_PIN,
} from '../../kit/person/person.ts';
import { Desktop, until } from './desktop.ts';
import { i3lock, installLockerServices, xscreensaver, xsecurelock, type Locker } from './lockers.ts';

let sandbox: Sandbox;
let desktop: Desktop;
let lockers: Locker[];
/** The colour of the desktop where no window is. */
let background: string;

test.before(async () => {
  sandbox = await Sandbox.start();
  await pairCard(sandbox);
  await installLockerServices(sandbox);
  desktop = await Desktop.start(sandbox);
  background = await desktop.furnish();
  lockers = [i3lock(desktop), xsecurelock(desktop), xscreensaver(desktop)];
});

test.after.always(() => sandbox.stop());

test.beforeEach(() => freshCard(sandbox));

function lockerOf(name: string): Locker {
  const locker = lockers.find((one) => one.name === name);
  if (locker === undefined) throw new Error(name);
  return locker;
}

async function untilOpen(locker: Locker): Promise<void> {
  await until(
    async () => !(await locker.isLocked()),
    async () => {
      await desktop.screenshot(`${locker.name}-stays-locked`);
      return `${locker.name} stays locked: see the picture\n${sandbox.logs()}`;
    },
  );
}

/** VERIFY with a PIN, as the card saw it. */
async function pinsSent(): Promise<number> {
  return (await sandbox.card.log()).filter(({ ins, p1, body }) => ins === 0x20 && p1 === 0 && body.length > 2)
    .length;
}

for (const name of ['i3lock', 'xsecurelock', 'xscreensaver']) {
  test.serial(`${name}: the PIN opens the screen`, async (t) => {
    const locker = lockerOf(name);
    await desktop.screenshot(`${name}-before`);
    t.is(await desktop.background(), background);
    await locker.lock();
    await locker.wake();
    await desktop.screenshot(`${name}-locked`);
    t.not(await desktop.background(), background);
    t.true(await locker.isLocked());
    await desktop.type(sandbox.pin);
    await untilOpen(locker);
    // What was covered is on the screen again.
    await until(
      async () => (await desktop.background()) === background,
      () => `the desktop does not come back: see test/artifacts/${name}-opened.png`,
    );
    await desktop.untilStill();
    await desktop.screenshot(`${name}-opened`);
    t.is(await pinsSent(), 1);
  });

  test.serial(`${name}: a wrong PIN costs one try and nothing more; the right one then opens`, async (t) => {
    const locker = lockerOf(name);
    await locker.lock();
    await locker.wake();
    await desktop.type(WRONG_PIN);
    await untilAudited(sandbox, 'wrong-pin');
    t.is(await sandbox.card.getTries(), 2);
    await desktop.screenshot(`${name}-wrong-pin`);
    await locker.again();
    t.true(await locker.isLocked());
    t.is(await pinsSent(), 1);
    await desktop.type(sandbox.pin);
    await untilOpen(locker);
    t.is(await pinsSent(), 2);
  });

  test.serial(`${name}: a password typed at the one prompt is a password, and costs no try`, async (t) => {
    const locker = lockerOf(name);
    await locker.lock();
    await locker.wake();
    await desktop.type(sandbox.password);
    await untilOpen(locker);
    t.is(await pinsSent(), 0);
  });

  test.serial(`${name}: without the card the password opens`, async (t) => {
    const locker = lockerOf(name);
    await pullCard(sandbox);
    await locker.lock();
    await locker.wake();
    await desktop.type(sandbox.password);
    await untilOpen(locker);
    await insertCard(sandbox);
    t.is(await pinsSent(), 0);
  });

  test.serial(`${name}: a card that goes in while the screen is locked works at the first try`, async (t) => {
    const locker = lockerOf(name);
    await pullCard(sandbox);
    await locker.lock();
    await insertCard(sandbox);
    await locker.wake();
    await desktop.type(sandbox.pin);
    await untilOpen(locker);
    t.is(await pinsSent(), 1);
  });
}

/** RESET RETRY COUNTER, as the card saw it. */
async function puksSent(): Promise<number> {
  return (await sandbox.card.log()).filter(({ ins }) => ins === 0x2c).length;
}

async function blockPin(): Promise<void> {
  await sandbox.card.setTries(0);
  await reinsertCard(sandbox);
  await sandbox.card.clearLog();
}

test.serial(
  'xsecurelock, one prompt at a time: a blocked PIN gets a new one by the PUK, and opens',
  async (t) => {
    await blockPin();
    const locker = lockerOf('xsecurelock');
    await locker.lock();
    await locker.wake();
    for (const [at, text] of ['yes', DEFAULTS.puk, '48151623', '48151623'].entries()) {
      await desktop.untilStill();
      await desktop.screenshot(`xsecurelock-unblock-${at + 1}`);
      t.true(await locker.isLocked());
      await desktop.type(text);
    }
    await untilOpen(locker);
    t.is(await puksSent(), 1);
    t.is(await pinsSent(), 1, 'the new one, which is not typed again');
    await sandbox.card.setPin(sandbox.pin);
    await reinsertCard(sandbox);
  },
);

test.serial('a login on a terminal, with pictures: the card says whose, the PIN opens', async (t) => {
  const transcript = '/run/sandbox/terminal.txt';
  const said = (): string => {
    const file = sandbox.path(transcript);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  const untilSaid = (what: RegExp): Promise<void> =>
    until(
      () => what.test(said()),
      () => `the terminal does not show ${String(what)}:\n${said()}`,
    );
  const login = ['script', '--quiet', '--flush', '--command', 'login', transcript];
  await desktop.startTerminal('Terminal', login);
  await untilSaid(/Enter PIN for '[^\n]*': $/);
  await desktop.untilStill();
  const asked = await desktop.screenshot('terminal-pin');
  await desktop.type(sandbox.pin);
  await untilSaid(/\$ $/);
  await desktop.type('id -un');
  await untilSaid(/^ada\r?$/m);
  await desktop.untilStill();
  const opened = await desktop.screenshot('terminal-logged-in');
  t.true(asked > 2 && opened > 2, 'there is text on both');
  t.false(said().includes(sandbox.pin));
  t.is(await pinsSent(), 1);
  await desktop.type('exit');
  await until(
    async () => !(await desktop.hasWindow('^Terminal$')),
    () => said(),
  );
});

test.serial(
  'L25: i3lock while a card is required: PIN opens, a password does not, an exempt account’s does',
  async (t) => {
    const auth = ['sufficient pam_scauth.so', 'requisite pam_unix.so try_first_pass nodelay'];
    // Behind the last line: i3lock never comes to the account phase (pam_scauth(8)).
    const lines = [...auth, '[perm_denied=die default=ignore] pam_scauth.so enforce'].map(
      (line) => `auth ${line}`,
    );
    writeFileSync(sandbox.path('/etc/pam.d/i3lock'), `${lines.join('\n')}\naccount required pam_unix.so\n`);
    requireNobodyElse(sandbox);
    await expectCardLogin(sandbox);
    // The other services of this sandbox are not what is looked at.
    const others = [
      ...['login', 'sudo', 'sudo-i', 'su', 'su-l', 'polkit-1', 'xsecurelock', 'common-auth', 'xscreensaver'],
    ];
    await enforced(sandbox, 'on', ...others.flatMap((name) => ['--uncovered', name]));
    const locker = lockerOf('i3lock');
    await locker.lock();
    await desktop.type(sandbox.password);
    await untilAudited(sandbox, 'card-required');
    await locker.again();
    t.true(await locker.isLocked());
    await desktop.screenshot('i3lock-card-required');
    await desktop.type(sandbox.pin);
    await untilOpen(locker);
    await enforced(sandbox, 'exempt', sandbox.user, '--until', '8h');
    await pullCard(sandbox);
    await locker.lock();
    await desktop.type(sandbox.password);
    await untilOpen(locker);
    t.regex(sandbox.auditLog(), /exemption-used/);
  },
);
