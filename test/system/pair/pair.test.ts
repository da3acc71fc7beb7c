// sc_auth against the real scauthd: pairing as root and as the user, listing, unpairing, the prompt's state.
// What is refused is in pair-refused.test.ts; the words of sc_auth alone, without scauthd, in test/unit/cli.
import test from 'ava';
import { APP } from '../../kit/sandbox/namespace.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let hash: string;
/** Of test/vectors/cacert-user.pem, as sc_auth on macOS prints it. */
const CACERT_HASH = '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8';

/** Of a card that is not here. */
const ELSEWHERE = 'AB'.repeat(20);

interface Listed {
  readonly pairings: readonly {
    readonly user: string;
    readonly hash: string;
    readonly keyKnown: boolean;
    readonly sha256: string | null;
    readonly pairedBy: string;
  }[];
}

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.addUser(sandbox, 'bob');
  hash = await person.cardHash(sandbox);
});
test.beforeEach(async () => {
  await person.freshCard(sandbox);
  for (const user of [sandbox.user, 'bob']) await sandbox.exec(['sc_auth', 'unpair', '-u', user]);
});
test.after.always(() => sandbox.stop());

const asRoot = (...args: string[]) => sandbox.exec(['sc_auth', ...args]);
const asUser = (...args: string[]) => sandbox.exec(['sc_auth', ...args], { user: sandbox.user });

async function listed(user: string): Promise<Listed['pairings']> {
  return (JSON.parse((await asRoot('list', '-u', user, '--json')).stdout) as Listed).pairings;
}

test.serial('as root, a hash without the card: the first login fixes the key', async (t) => {
  await person.pullCard(sandbox);
  const { code, stdout } = await asRoot('pair', '-u', sandbox.user, '-h', hash);
  t.is(code, 0);
  t.true(stdout.includes(`Paired ${hash} with ada.`));
  t.like((await listed(sandbox.user))[0], { keyKnown: false, sha256: null, pairedBy: 'root' });
  t.regex((await asRoot('list', '-v', '-u', sandbox.user)).stdout, /Key: not seen yet/);
  await person.insertCard(sandbox);
  await person.expectCardLogin(sandbox);
  const [pairing] = await listed(sandbox.user);
  t.is(pairing?.keyKnown, true);
  t.regex(pairing?.sha256 ?? '', /^[0-9A-F]{64}$/i);
  t.regex((await asRoot('list', '-v', '-u', sandbox.user)).stdout, /Key: p256, SHA-256/);
});

test.serial('a wrong PIN does not fix the key of a hash', async (t) => {
  await asRoot('pair', '-u', sandbox.user, '-h', 'AB'.repeat(20));
  await person.pullCard(sandbox);
  await asRoot('pair', '-u', sandbox.user, '-h', hash);
  await person.insertCard(sandbox);
  await person.sudo(sandbox, [PIN_PROMPT, person.WRONG_PIN], [PASSWORD_PROMPT, sandbox.password]);
  t.true((await listed(sandbox.user)).every(({ keyKnown }) => !keyKnown));
});

test.serial('as root, a certificate file: the hash is the one that macOS prints', async (t) => {
  const file = `${APP}/test/vectors/cacert-user.pem`;
  t.is((await asRoot('pair', '-u', sandbox.user, '--certificate', file)).code, 0);
  t.is((await asUser('list')).stdout, `Hash: ${CACERT_HASH}\n`);
  t.is((await asRoot('list', '-u', sandbox.user)).stdout, `Hash: ${CACERT_HASH}\n`);
  t.like((await listed(sandbox.user))[0], { hash: CACERT_HASH, keyKnown: true });
});

test.serial(
  'M37: a list from root: the card logs in; a key is another account’s too only where that is said',
  async (t) => {
    const rows = `user,hash\n${sandbox.user},${hash}\nbob,${ELSEWHERE}\n`;
    const pairList = (input: string, ...args: string[]) =>
      sandbox.exec(['sc_auth', 'pair', '--from', '-', ...args], { input });
    const { code, stdout } = await pairList(rows);
    t.is(code, 0, stdout);
    t.true(stdout.includes(`line 2, ada: paired with ${hash}\nline 3, bob: paired with ${ELSEWHERE}\n`));
    await person.expectCardLogin(sandbox);
    t.is((await pairList(rows)).code, 6);
    for (const [args, expected] of [
      [[], 1],
      [['--shared'], 0],
    ] as const) {
      t.is((await pairList(`bob,${hash}`, ...args)).code, expected);
      t.is((await listed('bob')).length, 1 + args.length);
    }
    const again = await asRoot('pair', '-u', sandbox.user, '-h', ELSEWHERE);
    t.is(again.code, 3);
    t.regex(again.stderr, /paired with another account: bob\. .*--shared/);
    t.is((await asRoot('pair', '-u', sandbox.user, '-h', ELSEWHERE, '--shared')).code, 0);
    t.is((await asUser('pair', '--from', '-')).code, 3);
  },
);

test.serial(
  'as the user, password and PIN by pipe; then list, identities and the audit log say so',
  async (t) => {
    const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'pair', '-h', hash], {
      user: sandbox.user,
      input: `${sandbox.password}\n${sandbox.pin}\n`,
    });
    t.is(code, 0, stderr);
    t.is(stdout, `Paired ${hash} with ada.\n`);
    t.is((await asUser('list')).stdout, `Hash: ${hash}\n`);
    t.like((await listed(sandbox.user))[0], { pairedBy: 'ada', keyKnown: true });
    t.regex((await asUser('identities')).stdout, new RegExp(`^Paired identities[^]*${hash}\tPIV`));
    t.is(person.auditLines(sandbox).at(-1)?.metadata.event_code, 'pairing-added');
    t.false(await sandbox.card.isVerified());
  },
);

test.serial('unpaired: the next sudo asks for the password, silently', async (t) => {
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  const { code, stdout } = await asUser('unpair');
  t.is(code, 0);
  t.is(stdout, `Unpaired ${hash} from ada.\n`);
  t.is((await asUser('list')).stdout, '');
  const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.regex(screen, ROOT);
  t.regex(screen, /^\[sudo\] password for ada: /);
  t.is((await asUser('unpair', '-h', hash)).code, 4);
});

test.serial('L12: unpaired while the PIN is asked for: the PIN is not sent', async (t) => {
  await person.pairCard(sandbox);
  await sandbox.card.clearLog();
  const pty = person.startSudo(sandbox);
  await pty.expect(PIN_PROMPT);
  t.is((await asUser('unpair')).code, 0);
  pty.send(`${sandbox.pin}\n`);
  await pty.expect('The pairing or the policy was changed while you typed.');
  await pty.expect(PASSWORD_PROMPT);
  pty.send(`${sandbox.password}\n`);
  t.is((await person.untilEnd(pty)).code, 0);
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('one card for two users: each with the own account', async (t) => {
  await person.pairCard(sandbox);
  const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-h', hash], {
    user: 'bob',
    input: `bob\n${sandbox.pin}\n`,
  });
  t.is(code, 0, stderr);
  t.is((await sandbox.exec(['sc_auth', 'list'], { user: 'bob' })).stdout, `Hash: ${hash}\n`);
  await person.expectCardLogin(sandbox);
  const su = await person.pamtester(sandbox, 'root', ['scauth-test', 'bob'], sandbox.pin);
  t.is(su.code, 0);
  await asRoot('unpair', '-u', 'bob');
  await person.expectCardLogin(sandbox);
  t.is((await asUser('list')).stdout, `Hash: ${hash}\n`);
});

test.serial('login without a user name: the card gives it', async (t) => {
  await person.pairCard(sandbox);
  const pty = sandbox.pty(['pamtester', '-v', 'scauth-test', '', 'authenticate']);
  const { code, screen } = await person.answer(pty, [[PIN_PROMPT, sandbox.pin]]);
  t.is(code, 0, screen);
});

test.serial('pairing_ui: the words of macOS, and the state stays', async (t) => {
  t.is((await asUser('pairing_ui', '-s', 'status')).stdout, 'SmartCard Pairing dialog is enabled.\n');
  // A user's own level, taken back again.
  t.is((await asUser('pairing_ui', '-s', 'disable')).code, 0);
  t.is((await asUser('pairing_ui', '-s', 'status')).stdout, 'SmartCard Pairing dialog is disabled.\n');
  t.is((await asUser('pairing_ui', '-s', 'enable')).code, 0);
  t.is((await asUser('pairing_ui', '-s', 'status')).stdout, 'SmartCard Pairing dialog is enabled.\n');
  const disabled = await asRoot('pairing_ui', '-s', 'disable');
  t.deepEqual([disabled.code, disabled.stdout], [0, '']);
  await sandbox.restartAgent();
  t.is((await asUser('pairing_ui', '-s', 'status')).stdout, 'SmartCard Pairing dialog is disabled.\n');
  t.is((await asRoot('pairing_ui', '-s', 'enable')).code, 0);
  t.is((await asUser('pairing_ui', '-s', 'status')).stdout, 'SmartCard Pairing dialog is enabled.\n');
});

test.serial('list-smartcards: the token id while the card is in, nothing when it is out', async (t) => {
  t.regex((await asUser('list-smartcards')).stdout, /^org\.scauth\.piv:[0-9A-F]{32}\n$/i);
  await person.pullCard(sandbox);
  const out = await asUser('list-smartcards');
  t.deepEqual([out.code, out.stdout], [0, '']);
  await person.insertCard(sandbox);
});
