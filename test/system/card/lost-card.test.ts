// A card is lost, as its owner and the administrator live through it: said on a terminal, refused by sudo with the next step,
// the session that it opened locked, not to be paired again whoever tries, and good again when it is found.
import test from 'ava';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';
import { Sandbox, type ExecResult } from '../../kit/sandbox/sandbox.ts';

const MALLORY = 'mallory';
const OTHER_HASH = '00'.repeat(20);
let sandbox: Sandbox;
let units: Units;
let logind: LogindMock;
let hash: string;

test.before(async () => {
  sandbox = await Sandbox.start();
  await person.addUser(sandbox, MALLORY);
  await person.pairCard(sandbox);
  hash = await person.cardHash(sandbox);
  await sandbox.exec(['mkdir', '-p', '/run/systemd/seats']);
  units = await Units.start(sandbox);
  logind = await LogindMock.startIn(sandbox);
  const { uid, user } = sandbox;
  await logind.add({ id: '4', uid, user, type: 'x11', display: ':0' });
  await logind.setDisplay(uid, '4');
  await sandbox.exec(['sh', '-c', 'cd /etc/pam.d && cp login i3lock']);
});
test.after.always(async () => {
  logind.stop();
  await sandbox.stop();
  units.remove();
});

function scAuth(user: string, ...args: readonly string[]): Promise<ExecResult> {
  return sandbox.exec(['sc_auth', ...args], { user });
}

async function unlockByCard(): Promise<void> {
  const locker = ['pamtester', 'i3lock', sandbox.user, 'authenticate'];
  const argv = await units.inside('user.slice/session-4.scope', locker, 'root');
  const { code, stdout, stderr } = await sandbox.exec(argv, { input: `${sandbox.pin}\n` });
  if (code !== 0) throw new Error(`no unlock: ${stdout}${stderr}`);
}

test.serial('who may not say it: another user, of a number neither; nothing was changed', async (t) => {
  const { cards } = JSON.parse((await scAuth('root', 'show', '--json')).stdout) as {
    cards: { id: string }[];
  };
  const serial = cards[0]?.id.split(':')[1] ?? '';
  for (const which of [
    ['-h', hash],
    ['--serial', serial],
    ['-h', OTHER_HASH],
  ]) {
    const { code, stderr } = await scAuth(MALLORY, 'lost', ...which);
    t.is(code, 4, stderr);
  }
  t.is((await scAuth(MALLORY, 'lost', '-u', sandbox.user, '-h', hash)).code, 3);
  t.is((await scAuth(sandbox.user, 'lost', '-h', hash, '--serial', serial)).code, 2);
  t.is((await scAuth(sandbox.user, 'found', '-h', hash)).code, 3);
  t.is((await scAuth('root', 'found', '-h', hash)).code, 4);
  await person.expectCardLogin(sandbox);
});

test.serial(
  'its owner says it on a terminal: asked back, the session locked, what hangs on it named',
  async (t) => {
    const no = await person.answer(sandbox.pty(['sc_auth', 'lost', hash], { user: sandbox.user }), [
      ['Enter = no: ', ''],
    ]);
    t.is(no.code, 130);
    await person.expectCardLogin(sandbox);
    await unlockByCard();
    const { code, screen } = await person.answer(
      sandbox.pty(['sc_auth', 'lost', hash], { user: sandbox.user }),
      [['Enter = no: ', 'y']],
    );
    t.is(code, 0, screen);
    t.regex(screen, /The key [0-9A-F]{40} of ada is refused everywhere from now on/);
    t.regex(screen, /The session that it had opened was locked/);
    t.regex(screen, /It was the only card of ada/);
    t.deepEqual(await logind.callsOf('LockSession'), [['4']]);
    t.is((await scAuth(sandbox.user, 'lost', hash)).code, 6);
  },
);

test.serial(
  'sudo, the screen lock and sc_auth refuse it, and no PIN reaches it; the password opens',
  async (t) => {
    await sandbox.card.clearLog();
    const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
    t.regex(screen, /This card was said to be lost.*sudo sc_auth found/);
    t.regex(screen, ROOT);
    t.notRegex(screen, /Enter PIN/);
    const keyring = await sandbox.exec(['sc_auth', 'keyring', 'enable'], {
      user: sandbox.user,
      input: `${sandbox.password}\n${sandbox.pin}\n`,
    });
    t.not(keyring.code, 0);
    t.false((await person.apduNames(sandbox)).includes('VERIFY'));
    t.regex((await scAuth(sandbox.user, 'explain')).stdout, /pairing.*The card was said to be lost/);
    t.regex((await scAuth(sandbox.user, 'list')).stdout, /Hash: [0-9A-F]{40}\n {2}Lost: /);
    t.regex((await scAuth(sandbox.user, 'show')).stdout, /This card was said to be lost/);
    t.regex((await scAuth('root', 'doctor')).stdout, /said to be lost/);
    t.regex((await scAuth('root', 'enforce', 'plan')).stdout, /said to be lost/);
    t.regex((await scAuth(sandbox.user, 'lost')).stdout, /The key .* of ada, lost since .*, said by ada/);
    t.is((await scAuth(MALLORY, 'lost')).stdout, '');
  },
);

test.serial('unpaired, nobody pairs it again: not its owner, not a finder, not root', async (t) => {
  t.is((await scAuth(sandbox.user, 'unpair')).code, 0);
  const finder = await sandbox.exec(['sc_auth', 'pair', '-h', hash], {
    user: MALLORY,
    input: `${MALLORY}\n${sandbox.pin}\n`,
  });
  t.is(finder.code, 3, finder.stderr);
  t.regex(finder.stderr, /This card was said to be lost/);
  for (const user of [MALLORY, sandbox.user])
    t.is((await scAuth('root', 'pair', '-u', user, '-h', hash)).code, 3);
  t.is((await scAuth('root', 'pair', '-u', sandbox.user)).code, 4, 'it is not offered');
  await scAuth('root', 'found', hash);
});

test.serial('found: it is paired and logs in; a lost number is the card with all it will have', async (t) => {
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  const { cards } = JSON.parse((await scAuth('root', 'show', '--json')).stdout) as {
    cards: { id: string }[];
  };
  const serial = cards[0]?.id.split(':')[1] ?? '';
  await person.pullCard(sandbox);
  const said = await scAuth('root', 'lost', '--serial', serial.toLowerCase(), '--json');
  t.is(said.code, 0, said.stderr);
  const kinds = (JSON.parse(said.stdout) as { lost: { kind: string }[] }).lost.map(({ kind }) => kind);
  t.deepEqual(kinds.toSorted(), ['card', 'key']);
  await person.insertCard(sandbox);
  const { screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.regex(screen, /said to be lost/);
  t.regex((await scAuth('root', 'found', hash)).stdout, /still lost as a whole/);
  t.is((await scAuth('root', 'found', '--serial', serial)).code, 0);
  await person.expectCardLogin(sandbox);
  const events = person.auditLines(sandbox).map((line) => line.metadata.event_code);
  t.true(events.includes('card-lost') && events.includes('card-found') && events.includes('session-locked'));
});

test.serial('a spare is another card than the first', async (t) => {
  const same = await scAuth('root', 'pair', '-u', sandbox.user, '-h', hash, '--spare');
  t.is(same.code, 6, same.stderr);
  const none = await scAuth('root', 'pair', '-u', MALLORY, '-h', hash, '--spare');
  t.is(none.code, 4, none.stderr);
  await sandbox.addCard(['--key', 'p256:2', '--guid', '11'.repeat(16)]);
  const { unpaired } = JSON.parse((await scAuth('root', 'identities', '--json')).stdout) as {
    unpaired: { hash: string }[];
  };
  const spare = await scAuth('root', 'pair', '-u', sandbox.user, '-h', unpaired[0]?.hash ?? '', '--spare');
  t.is(spare.code, 0, spare.stderr);
  t.regex(spare.stderr, /A spare is a second card/);
  await scAuth('root', 'lost', hash);
  await person.pullCard(sandbox);
  const pin = await person.sudo(sandbox, [PIN_PROMPT, sandbox.pin]);
  t.regex(pin.screen, ROOT);
});
