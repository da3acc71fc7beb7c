// The login keyring opened by card: the real gnome-keyring-daemon, pam_gnome_keyring.so and passwd, an item stored through
// @napi-rs/keyring, and a PAM client that works as a display manager does.
import test, { type ExecutionContext } from 'ava';
import { APP } from '../../kit/sandbox/namespace.ts';
import { Sandbox, type ExecResult } from '../../kit/sandbox/sandbox.ts';
import { buildPam } from '../../unit/pam/build.ts';
import {
  greet,
  makeRuntimeFolder,
  READ_ITEM,
  sessionOf,
  storeItem,
  unpackedModule,
} from '../../kit/person/greeter.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

const CONSENT = /Type yes, or press Enter for no: $/;
const NODE = `${APP}/node_modules/node/bin/node`;
const STORED = 'the stored item';

let sandbox: Sandbox;
let password: string;

async function write(file: string, text: string): Promise<void> {
  const { code, stderr } = await sandbox.exec(['tee', file], { input: text });
  if (code !== 0) throw new Error(stderr);
}

const LOCKED =
  'dbus-send --print-reply=literal --dest=org.freedesktop.secrets /org/freedesktop/secrets/collection/login ' +
  'org.freedesktop.DBus.Properties.Get string:org.freedesktop.Secret.Collection string:Locked';

/** A login at the greeter: one answer for each prompt, in order. */
function logIn(script: string, answers: readonly string[], user: string | null = null): Promise<ExecResult> {
  return greet(sandbox, sessionOf(script), answers, user);
}

async function opensByCard(t: ExecutionContext, user: string | null = null): Promise<string> {
  const { stdout, stderr, code } = await logIn(READ_ITEM, [sandbox.pin], user);
  t.is(code, 0, stdout + stderr + sandbox.agentLog());
  t.true(stdout.includes(`item=${STORED}`), stdout);
  return stdout;
}

/** Logs in by card; the keyring is locked all the same. @returns what was said */
async function staysLocked(t: ExecutionContext): Promise<string> {
  const { stdout, stderr, code } = await logIn(LOCKED, [sandbox.pin]);
  t.is(code, 0, `the login itself succeeds: ${stdout}${stderr}`);
  t.regex(stdout, /boolean true/);
  return stdout;
}

async function enable(): Promise<void> {
  const pty = sandbox.pty(['sc_auth', 'keyring', 'enable'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [
    [PASSWORD_PROMPT, password],
    [PIN_PROMPT, sandbox.pin],
  ]);
  if (code !== 0) throw new Error(`${screen}\n${sandbox.logs()}`);
}

interface KeyringStatus {
  readonly cards: readonly { readonly enabled: boolean; readonly passwordChanged: boolean | null }[];
  readonly pam: boolean;
}

async function status(): Promise<KeyringStatus> {
  const { stdout } = await sandbox.exec(['sc_auth', 'keyring', 'status', '--json'], { user: sandbox.user });
  return JSON.parse(stdout) as KeyringStatus;
}

/** Changes what is kept in the table, behind scauthd's back; from inside, since SQLite follows no /proc/PID/root. */
async function inTable(sql: string): Promise<void> {
  const script =
    "const { DatabaseSync } = require('node:sqlite');" +
    'new DatabaseSync(process.argv[1]).exec(process.argv[2]);';
  const argv = [NODE, '-e', script, '/run/sandbox/state/scauth.db', sql];
  const { code, stderr } = await sandbox.exec(argv);
  if (code !== 0) throw new Error(stderr);
}

test.before(async () => {
  buildPam();
  sandbox = await Sandbox.start({ card: 'p256' });
  password = sandbox.password;
  const module = unpackedModule('libpam-gnome-keyring', 'pam_gnome_keyring.so');
  await write(
    '/etc/pam.d/lightdm',
    `auth      [success=1 default=ignore]  pam_scauth.so
auth      required    pam_unix.so try_first_pass nodelay
auth      optional    ${module}
account   required    pam_unix.so
session   required    pam_unix.so
session   optional    ${module} auto_start
`,
  );
  await write('/etc/pam.d/passwd', 'password required pam_unix.so sha512\npassword optional pam_scauth.so\n');
  await makeRuntimeFolder(sandbox);
  // The keyring is made at the first login by password, as ever.
  await person.pullCard(sandbox);
  const made = await logIn(storeItem(STORED), [password], sandbox.user);
  if (made.code !== 0) throw new Error(`no keyring was made:\n${made.stdout}${made.stderr}`);
  await person.insertCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

test.serial(
  'at pairing: asked once, after the PIN; who says no logs in and finds the keyring locked',
  async (t) => {
    const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
    const { code, screen } = await person.answer(pty, [
      [/Enter = \w+[^\n]*: $/, '1'],
      [PASSWORD_PROMPT, password],
      [PIN_PROMPT, sandbox.pin],
      [CONSENT, ''],
    ]);
    t.is(code, 0, screen);
    t.like(await status(), { pam: true, cards: [{ enabled: false }] });
    await sandbox.card.clearLog();
    const said = await staysLocked(t);
    t.false(said.includes('keyring stays'), 'nobody wanted it, so nothing is said');
    // SELECT, VERIFY, sign, de-verify: one operation with the card, as ever.
    const names = await person.apduNames(sandbox);
    t.is(names.filter((name) => name === 'GENERAL AUTHENTICATE').length, 1);
  },
);

test.serial('at pairing: yes; then a login by card, without a name, reads the stored item', async (t) => {
  await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user]);
  const pty = sandbox.pty(['sc_auth', 'pair'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [
    [/Enter = \w+[^\n]*: $/, '1'],
    [PASSWORD_PROMPT, password],
    [PIN_PROMPT, sandbox.pin],
    [CONSENT, 'yes'],
  ]);
  t.is(code, 0, screen);
  t.regex(screen, /From now on a login with this card opens your keyring\./);
  await sandbox.card.clearLog();
  const said = await person.untilReleased(sandbox, () => opensByCard(t));
  t.true(said.includes('user=ada\n'));
  const names = await person.apduNames(sandbox);
  t.is(names.filter((name) => name === 'GENERAL AUTHENTICATE').length, 2);
  t.false(await sandbox.card.isVerified());
  // Neither PIN nor password is anywhere where text is kept.
  const logs = sandbox.logs() + sandbox.auditLog();
  for (const secret of [password, sandbox.pin]) t.false(logs.includes(secret));
});

test.serial('sudo gets nothing of it, and asks no more of the card', async (t) => {
  await person.expectCardLogin(sandbox);
  const names = await person.apduNames(sandbox);
  t.is(names.filter((name) => name === 'GENERAL AUTHENTICATE').length, 1);
});

test.serial('passwd seals anew by itself: the card opens the keyring with the new password', async (t) => {
  const next = 'battery-horse-8-staple';
  // The keyring's own password, which pam_gnome_keyring would change in a session of the desktop.
  const pty = sandbox.pty(['passwd'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [
    [/urrent [^\n]*: $/, password],
    [/New [^\n]*: $/, next],
    [/etype [^\n]*: $/, next],
  ]);
  t.is(code, 0, screen);
  t.regex(screen, /Your card opens the keyring with the new password\./);
  t.like(await status(), { cards: [{ enabled: true, passwordChanged: false }] });
  const seen = await logIn('true', [sandbox.pin]);
  t.is(seen.code, 0);
  // The keyring of this test kept its old password: the new one does not open it, so that was what came.
  await staysLocked(t);
  const back = await sandbox.exec(['passwd', sandbox.user], { input: `${password}\n${password}\n` });
  t.is(back.code, 0, back.stderr);
  await opensByCard(t);
});

test.serial('an older password: the login succeeds, and the person is told', async (t) => {
  // Past PAM: nothing is sealed anew.
  const { code, stderr } = await sandbox.exec(['usermod', '-p', 'x', sandbox.user]);
  t.is(code, 0, stderr);
  const said = await opensByCard(t, sandbox.user);
  t.regex(said, /Your password has changed since[^\n]*sc_auth keyring enable/);
  t.like(await status(), { cards: [{ enabled: true, passwordChanged: true }] });
  const back = await sandbox.exec(['passwd', sandbox.user], { input: `${password}\n${password}\n` });
  t.is(back.code, 0, back.stderr);
});

test.serial(
  'a corrupt sealed secret: the login succeeds, the person is told, and enable mends it',
  async (t) => {
    await inTable(
      "UPDATE keyring_secret SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB)",
    );
    t.regex(await staysLocked(t), /Your keyring stays locked:[^\n]*sc_auth keyring enable/);
    await inTable("UPDATE keyring_secret SET sealed = x'01'");
    t.regex(await staysLocked(t), /Your keyring stays locked:/);
    await enable();
    await opensByCard(t);
  },
);

test.serial('the secret of another card: the login succeeds, and the person is told', async (t) => {
  const from = sandbox.agentLog().length;
  const other = await sandbox.addCard(['--key', 'p256:2', '--guid', '11'.repeat(16)]);
  await person.untilAgentSays(sandbox, 'token in', from);
  try {
    const listed = await sandbox.exec(['sc_auth', 'identities', '--json']);
    const { unpaired } = JSON.parse(listed.stdout) as { unpaired: { hash: string; unfit: string | null }[] };
    const hash = unpaired.find(({ unfit }) => unfit === null)?.hash ?? '';
    t.is((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash])).code, 0);
    // The first card's secret, put into the second card's row.
    await inTable(
      `INSERT INTO keyring_secret SELECT user, '${hash}', public_key, sealed, password_mark, sealed_at_ms FROM keyring_secret`,
    );
    await person.pullCard(sandbox);
    t.regex(await staysLocked(t), /Your keyring stays locked:/);
    t.is((await sandbox.exec(['sc_auth', 'unpair', '-u', sandbox.user, '-h', hash])).code, 0);
  } finally {
    const out = sandbox.agentLog().length;
    await other.eject();
    await person.untilAgentSays(sandbox, 'token out', out);
    other.close();
    await person.insertCard(sandbox);
  }
  await opensByCard(t);
});

test.serial('the card fails at the secret: the login succeeds', async (t) => {
  await sandbox.card.misbehave({ kind: 'status', ins: '87', p2: '9D', sw: '6F00' });
  t.regex(await staysLocked(t), /Your keyring stays locked:/);
  await sandbox.card.clearFaults();
  await opensByCard(t);
});

async function renew(): Promise<string> {
  const pty = sandbox.pty(['sc_auth', 'renew'], { user: sandbox.user });
  const { code, screen } = await person.answer(pty, [
    ['Enter = yes: ', ''],
    [PASSWORD_PROMPT, password],
    [PIN_PROMPT, sandbox.pin],
  ]);
  if (code !== 0) throw new Error(`${screen}\n${sandbox.logs()}`);
  return screen;
}

test.serial(
  'renew: the seal moves to the new card, and back; the card whose place it takes opens nothing',
  async (t) => {
    const before = (await status()).cards;
    t.like(before, [{ enabled: true }]);
    await person.pullCard(sandbox);
    const from = sandbox.agentLog().length;
    const fresh = await sandbox.addCard(['--key', 'p256:2', '--guid', '22'.repeat(16)]);
    await person.untilAgentSays(sandbox, 'token in', from);
    t.regex(await renew(), /From now on a login with this card opens your keyring\./);
    const after = (await status()).cards;
    t.is(after.length, 1, 'nothing is kept for the old one');
    t.like(after, [{ enabled: true, passwordChanged: false }]);
    t.notDeepEqual(after, before);
    await opensByCard(t);
    const out = sandbox.agentLog().length;
    await fresh.eject();
    await person.untilAgentSays(sandbox, 'token out', out);
    fresh.close();
    await person.insertCard(sandbox);
    const { stdout } = await logIn(READ_ITEM, [sandbox.pin, sandbox.pin], sandbox.user);
    t.false(stdout.includes(STORED), stdout);
    t.regex(await renew(), /From now on a login with this card opens your keyring\./);
    await opensByCard(t);
  },
);

test.serial('disable forgets it; the audit log has told of each', async (t) => {
  const { code, stdout } = await sandbox.exec(['sc_auth', 'keyring', 'disable'], { user: sandbox.user });
  t.is(code, 0, stdout);
  t.like(await status(), { cards: [{ enabled: false }] });
  t.false((await staysLocked(t)).includes('keyring stays'));
  // Throws where one is no valid record.
  t.true(person.auditLines(sandbox).some(({ metadata }) => metadata.event_code === 'keyring'));
  const told = sandbox.auditLog();
  for (const action of ['enabled', 'released', 'resealed', 'failed', 'disabled'])
    t.true(told.includes(`"action":"${action}"`), action);
});
