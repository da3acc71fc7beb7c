// What sc_auth and scauthd refuse: wrong secrets, other people's accounts, a policy that says no, a table that is not
// root's alone. No pairing is made, the exit code says what it was, and no try is spent for nothing.
import { linkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { APP } from '../../kit/sandbox/namespace.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
let hash: string;
const DATABASE = '/run/sandbox/state/scauth.db';

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.addUser(sandbox, 'bob');
  hash = await person.cardHash(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

const asUser = (args: readonly string[], ...lines: readonly string[]) =>
  sandbox.exec(['sc_auth', ...args], {
    user: sandbox.user,
    input: lines.map((line) => `${line}\n`).join(''),
  });

async function hasPairing(): Promise<boolean> {
  return (await sandbox.exec(['sc_auth', 'list', '-u', sandbox.user])).stdout !== '';
}

test.serial('a wrong account password: nothing is paired, nothing goes to the card', async (t) => {
  const { code, stderr } = await asUser(['pair', '-h', hash], 'not-the-password', sandbox.pin);
  t.is(code, 3);
  t.regex(stderr, /Wrong account password/);
  t.false(await hasPairing());
  t.is(await sandbox.card.verifyCount(), 0);
  t.is(person.auditLines(sandbox).at(-1)?.metadata.event_code, 'pairing-refused');
});

test.serial('a wrong PIN: nothing is paired, tries left are said', async (t) => {
  const { code, stderr } = await asUser(['pair', '-h', hash], sandbox.password, person.WRONG_PIN);
  t.is(code, 3);
  t.regex(stderr, /Wrong PIN\. 2 tries left\./);
  t.false(await hasPairing());
  t.false(await sandbox.card.isVerified());
});

test.serial('a card that cannot prove itself: nothing is paired', async (t) => {
  await sandbox.card.misbehave({ kind: 'wrong-signature' });
  const { code } = await asUser(['pair', '-h', hash], sandbox.password, sandbox.pin);
  t.is(code, 3);
  t.false(await hasPairing());
  t.false(await sandbox.card.isVerified());
});

test.serial('a user pairs nobody else, and sees and unpairs nobody else', async (t) => {
  t.is((await sandbox.exec(['sc_auth', 'pair', '-u', 'bob', '-h', hash])).code, 0);
  for (const args of [
    ['pair', '-u', 'bob', '-h', hash],
    ['list', '-u', 'bob'],
    ['list', '-u', 'root'],
    ['unpair', '-u', 'bob'],
    ['pair', '--certificate', '/dev/null'],
  ]) {
    const { code, stdout } = await asUser(args, sandbox.password, sandbox.pin);
    t.is(code, 3, args.join(' '));
    t.is(stdout, '');
  }
  // Past sc_auth, at the socket itself.
  const call = JSON.stringify({ method: 'io.scauth.AddPairing', parameters: { user: 'ada', hash } });
  const argv = [`${APP}/node_modules/node/bin/node`, '-e', RAW_CALL, call];
  const { stdout } = await sandbox.exec(argv, { user: sandbox.user });
  t.regex(stdout, /PermissionDenied/);
  t.false(await hasPairing());
  t.regex((await sandbox.exec(['sc_auth', 'list', '-u', 'bob'])).stdout, /^Hash: /);
});

/** A program: one varlink call from its argument, the reply on standard output. */
const RAW_CALL = `
  const socket = require('node:net').connect('/run/scauth/io.scauth');
  socket.write(process.argv[1] + '\\0');
  socket.once('data', (bytes) => { console.log(bytes.toString()); socket.destroy(); });
`;

test.serial('the keys that are not for login are not paired', async (t) => {
  const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
  const { unfit } = JSON.parse(stdout) as { unfit: { hash: string; use: string }[] };
  t.is(unfit.length, 3);
  for (const { hash: other, use } of unfit) {
    const { code, stderr } = await asUser(['pair', '-h', other], sandbox.password, sandbox.pin);
    t.is(code, 1, use);
    t.regex(stderr, /This key/);
    t.not((await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', other])).code, 0, use);
  }
  t.false(await hasPairing());
  t.is(await sandbox.card.verifyCount(), 0);
});

test.serial('verifypin: right, wrong, no PIN, the last try, blocked', async (t) => {
  const right = await asUser(['verifypin'], sandbox.pin);
  t.deepEqual([right.code, right.stdout], [0, 'PIN verified\n']);
  t.false(await sandbox.card.isVerified());
  const wrong = await asUser(['verifypin'], person.WRONG_PIN);
  t.is(wrong.code, 3);
  t.regex(wrong.stderr, /Wrong PIN\. 2 tries left\./);
  const verifies = await sandbox.card.verifyCount();
  t.is((await asUser(['verifypin'], 'no-pin-at-all')).code, 3);
  t.is((await asUser(['verifypin'], '')).code, 130);
  await sandbox.card.setTries(1);
  t.is((await asUser(['verifypin'], sandbox.pin, '')).code, 3);
  await sandbox.card.setTries(0);
  const blocked = await asUser(['verifypin'], sandbox.pin);
  t.is(blocked.code, 3);
  t.regex(blocked.stderr, /The PIN is blocked/);
  t.is(await sandbox.card.verifyCount(), verifies);
});

test.serial('verifypin without a card', async (t) => {
  await person.pullCard(sandbox);
  t.is((await asUser(['verifypin'], sandbox.pin)).code, 4);
  await person.insertCard(sandbox);
});

test.serial('pairing.users_may_pair = false: users do not, the administrator does', async (t) => {
  const file = sandbox.path('/etc/scauth/scauth.toml');
  writeFileSync(file, '[pairing]\nusers_may_pair = false\n');
  await sandbox.restartAgent();
  const { code, stderr } = await asUser(['pair', '-h', hash], sandbox.password, sandbox.pin);
  t.is(code, 3, stderr);
  t.is(await sandbox.card.verifyCount(), 0);
  // Bob has it too.
  const byRoot = await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash, '--shared']);
  t.is(byRoot.code, 0, byRoot.stderr);
  await person.expectCardLogin(sandbox);
  rmSync(file);
  await sandbox.restartAgent();
});

for (const [name, put] of [
  [
    'a symbolic link',
    (file: string) => {
      symlinkSync('scauth.db.good', file);
    },
  ],
  [
    'a hard link',
    (file: string) => {
      linkSync(`${file}.good`, file);
    },
  ],
  ['a FIFO', null],
] as const) {
  test.serial(
    `L15: the table is ${name}: refused without a hang, and “not paired” is not said`,
    async (t) => {
      const file = sandbox.path(DATABASE);
      await sandbox.stopAgent();
      renameSync(file, `${file}.good`);
      if (put === null) await sandbox.exec(['mkfifo', '-m', '600', DATABASE]);
      else put(file);
      await sandbox.restartAgent();
      const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
      t.is(code, 0, screen);
      t.true(screen.includes('The card pairings cannot be read.'), screen);
      t.notRegex(screen, PIN_PROMPT);
      const { code: pairCode } = await asUser(['pair', '-h', hash], sandbox.password, sandbox.pin);
      t.is(pairCode, 1);
      await sandbox.stopAgent();
      rmSync(file);
      renameSync(`${file}.good`, file);
      await sandbox.restartAgent();
      await person.expectCardLogin(sandbox);
    },
  );
}
