// The pairing dialog of scauth-session on a real desktop: pinentry-gtk-2 under Xvfb, real keystrokes, pictures in
// test/artifacts. When it opens and when it does not, each step, and what goes wrong at each.

import test from 'ava';
import {
  freshCard,
  insertCard,
  PASSWORD_PROMPT,
  pullCard,
  reinsertCard,
  untilEnd,
  WRONG_PIN,
} from '../../kit/person/person.ts';
import { until } from './desktop.ts';
import { DialogWorld } from './dialog-world.ts';

let world: DialogWorld;

test.before(async () => {
  // A certificate that looks like markup and like an escape sequence: every dialog here shows it.
  world = await DialogWorld.start({ cardArgs: ['--cn', 'Ada <b>&amp;</b> %0A_Lovelace'] });
});
test.after.always(() => world.sandbox.stop());

test.beforeEach(() => freshCard(world.sandbox));
test.afterEach.always(async () => {
  await world.stopSessions();
  await world.desktop.run(['sc_auth', 'unpair']);
  await world.desktop.run(['sc_auth', 'pairing_ui', '-s', 'enable']);
});

/** Keys of the buttons. */
const PAIR = 'alt+p';
const NOT_NOW = 'alt+n';
const NEVER = 'alt+d';

async function afterInsertion(picture?: string): Promise<void> {
  await reinsertCard(world.sandbox);
  await world.untilDialog(picture);
}

async function nextStep(act: () => Promise<unknown>, picture: string): Promise<void> {
  await act();
  await world.desktop.untilStill();
  await world.untilDialog(picture);
}

test.serial('card in, Pair, password, PIN: it is paired, and the result is shown', async (t) => {
  const { desktop, sandbox } = world;
  await world.startSession();
  await afterInsertion('dialog-offer');
  await nextStep(() => desktop.key(PAIR), 'dialog-password');
  await nextStep(() => desktop.type(sandbox.password), 'dialog-pin');
  await nextStep(() => desktop.type(sandbox.pin), 'dialog-result');
  t.regex(await world.pairings(), /^Hash: [0-9A-F]{40}/m);
  await desktop.key('Return');
  await world.untilNoDialog();
});

test.serial(
  'with a notification service the result is a notification; one’s own card asks nothing',
  async (t) => {
    const { desktop, sandbox } = world;
    const notifications = await world.startNotifications();
    const session = await world.startSession();
    await afterInsertion();
    await nextStep(() => desktop.key(PAIR), 'dialog-step');
    await nextStep(() => desktop.type(sandbox.password), 'dialog-step');
    await desktop.type(sandbox.pin);
    await world.untilNoDialog();
    await until(() => notifications.output().includes('is paired'), notifications.output);
    // What looked like markup does not any more.
    t.regex(notifications.output(), /‹b/);
    t.notRegex(notifications.output(), /<b>|&amp;/);
    const before = world.dialogs;
    await reinsertCard(sandbox);
    await world.says(session, /it is yours/);
    t.is(world.dialogs, before);
  },
);

test.serial(
  'a wrong password, then a wrong PIN: said, asked again, and the password is not asked twice',
  async (t) => {
    const { desktop, sandbox } = world;
    await world.startSession();
    await afterInsertion();
    await nextStep(() => desktop.key(PAIR), 'dialog-step');
    await nextStep(() => desktop.type('not my password'), 'dialog-wrong-password');
    await nextStep(() => desktop.type(sandbox.password), 'dialog-step');
    await nextStep(() => desktop.type(WRONG_PIN), 'dialog-wrong-pin');
    await nextStep(() => desktop.type(sandbox.pin), 'dialog-step');
    t.regex(await world.pairings(), /^Hash: /m);
    await desktop.key('Return');
    await world.untilNoDialog();
  },
);

test.serial(
  'Not now, and Escape at each step: nothing is paired, and it asks at the next insertion',
  async (t) => {
    const { desktop, sandbox } = world;
    await world.startSession();
    await afterInsertion();
    await desktop.key(NOT_NOW);
    await world.untilNoDialog();
    await afterInsertion();
    await nextStep(() => desktop.key(PAIR), 'dialog-step');
    await desktop.key('Escape');
    await world.untilNoDialog();
    await afterInsertion();
    await nextStep(() => desktop.key(PAIR), 'dialog-step');
    await nextStep(() => desktop.type(sandbox.password), 'dialog-step');
    await desktop.key('Escape');
    await world.untilNoDialog();
    t.is(await world.pairings(), '');
    t.is(await sandbox.card.getTries(), 3);
  },
);

test.serial('Do not show again sets the user’s own state; pairing_ui -f opens it all the same', async (t) => {
  const { desktop, sandbox } = world;
  const session = await world.startSession();
  await afterInsertion();
  await desktop.key(NEVER);
  await world.untilNoDialog();
  await until(
    async () => (await world.mustRun(['sc_auth', 'pairing_ui', '-s', 'status'])).includes('disabled'),
    session.output,
  );
  t.regex(
    await world.mustRun(['sc_auth', 'pairing_ui', '-v', '-s', 'status']),
    /Decided by you, for every card/,
  );
  const root = await sandbox.exec(['sc_auth', 'pairing_ui', '-s', 'status']);
  t.is(root.stdout, 'SmartCard Pairing dialog is enabled.\n');
  const from = session.output().length;
  await reinsertCard(sandbox);
  await world.says(session, /the pairing dialog is disabled/, from);
  const forced = desktop.spawn(['sc_auth', 'pairing_ui', '-f'], world.env);
  await world.untilDialog();
  await desktop.key(NOT_NOW);
  t.is(await forced.exit, 130);
});

test.serial(
  'killed while the dialog is open: started again it does not ask for this insertion',
  async (t) => {
    const { desktop, sandbox } = world;
    const first = await world.startSession();
    await afterInsertion();
    const pid = sandbox.namespace.pidOf(first.process);
    if (pid !== null) process.kill(pid, 'SIGKILL');
    await first.exit;
    const before = world.dialogs;
    const second = await world.startSession();
    await world.says(second, /it was in before, or was asked about/);
    t.is(world.dialogs, before);
    // The dialog itself goes on: what was begun can be finished.
    await desktop.key(NOT_NOW);
    await world.untilNoDialog();
  },
);

test.serial(
  'pcscd and scauthd are started again: the card was in all the time, and nobody is asked',
  async (t) => {
    const { desktop, sandbox } = world;
    const first = await world.startSession();
    await afterInsertion();
    await desktop.key(NOT_NOW);
    await world.untilNoDialog();
    const before = world.dialogs;
    const from = first.output().length;
    await sandbox.restartPcscd();
    await world.says(first, /it was in before, or was asked about/, from);
    await world.stopSessions();
    await sandbox.restartAgent();
    await world.says(await world.startSession(), /it was in before, or was asked about/);
    t.is(world.dialogs, before);
  },
);

test.serial('two sessions of one user: one dialog', async (t) => {
  const sessions = [await world.startSession(), await world.startSession()];
  const before = world.dialogs;
  await afterInsertion();
  for (const session of sessions) await world.says(session, /: unpaired/);
  t.is(world.dialogs, before + 1);
  // Enter, which may have been meant for something else, pairs nothing.
  await world.desktop.key('Return');
  await world.untilNoDialog();
  t.is(await world.pairings(), '');
});

test.serial('pinentry killed, and the card pulled: the dialog goes, and nothing is left', async (t) => {
  const { desktop, sandbox } = world;
  const session = await world.startSession();
  await afterInsertion();
  await world.mustRun(['sh', '-c', 'kill -9 $(pgrep -x pinentry-gtk-2)']);
  await world.untilNoDialog();
  await afterInsertion();
  await nextStep(() => desktop.key(PAIR), 'dialog-step');
  await pullCard(sandbox);
  await world.untilNoDialog();
  await world.says(session, /The card was taken out/);
  await insertCard(sandbox);
  await world.untilDialog();
  await desktop.key(NOT_NOW);
  await world.untilNoDialog();
  t.is(await world.pairings(), '');
});

test.serial('a card of somebody else’s, and one that is not fit: no dialog; why is said once', async (t) => {
  const { sandbox } = world;
  const session = await world.startSession({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' });
  const hash = /[0-9A-F]{40}/.exec(await world.mustRun(['sc_auth', 'identities']))?.[0] ?? '';
  t.is((await sandbox.exec(['sc_auth', 'pair', '-u', 'root', '-h', hash])).code, 0);
  const before = world.dialogs;
  await reinsertCard(sandbox);
  await world.says(session, /paired with somebody else/);
  t.is(world.dialogs, before);
  await sandbox.exec(['sc_auth', 'unpair', '-u', 'root']);
  const unfit = await sandbox.addCard(['--slots', '9C', '--guid', '00112233445566778899AABBCCDDEEFF']);
  await world.says(session, /: unfit/);
  await world.untilDialog('dialog-unfit');
  await world.desktop.key('Return');
  await world.untilNoDialog();
  await unfit.eject();
  unfit.close();
});

test.serial(
  "the factory's secrets, a card without a key, and one that is being set up: said, and no dialog offers it",
  async (t) => {
    const { sandbox } = world;
    const notifications = await world.startNotifications();
    const session = await world.startSession();
    await pullCard(sandbox);
    const before = world.dialogs;
    const SECRETS = ['--pin', '123456', '--puk', '12345678'];
    const found = await sandbox.addCard([...SECRETS, '--key', 'p256:3', '--guid', '33'.repeat(16)]);
    await until(
      () => /The PIN and the PUK of this card are still the factory's/.test(notifications.output()),
      notifications.output,
    );
    await found.eject();
    found.close();
    const fresh = await sandbox.addCard([...SECRETS, '--factory', '--firmware', '5.7.1', '--extended']);
    await until(
      () => /To make a login of a new card: sc_auth setup/.test(notifications.output()),
      notifications.output,
    );
    const from = session.output().length;
    const pty = sandbox.pty(['sc_auth', 'setup'], { user: sandbox.user });
    for (const prompt of [/Enter new PIN for '[^\n]*': $/, /Enter new PIN again: $/]) {
      await pty.expect(prompt);
      pty.send('271828\n');
    }
    await pty.expect(PASSWORD_PROMPT);
    // It has a name and a key by now, and is nobody's.
    await world.says(
      session,
      /card org\.scauth\.piv:[0-9A-F]{32}: it was in before, or was asked about/,
      from,
    );
    t.is(world.dialogs, before);
    pty.send(`${sandbox.password}\n`);
    t.is((await untilEnd(pty)).code, 0);
    t.is(world.dialogs, before);
    await fresh.eject();
    fresh.close();
    await insertCard(sandbox);
  },
);

// The last one: for eight seconds after it no dialog opens, since its unlock counts as a login.
test.serial('while the screen is locked it does not open, nor when it is opened', async (t) => {
  const { desktop, sandbox } = world;
  const session = await world.startSession();
  const before = world.dialogs;
  t.is(await desktop.spawn(['i3lock', '--color=204060']).exit, 0);
  await reinsertCard(sandbox);
  await world.says(session, /not now, the screen is locked/);
  await desktop.type(sandbox.password);
  await until(
    async () => (await desktop.run(['pgrep', '-x', 'i3lock'])).code !== 0,
    () => 'i3lock stays',
  );
  t.is(world.dialogs, before);
});
