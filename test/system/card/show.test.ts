// What a person sees of their card: on a terminal of each width, as themselves and as root, before and after it is paired
// and after a wrong PIN.
import test from 'ava';
import { columnsOf } from '../../../agent/base/columns.ts';
import * as person from '../../kit/person/person.ts';
import { WRONG_PIN } from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
});
test.after.always(() => sandbox.stop());

async function show(user: string, ...args: readonly string[]): Promise<string> {
  const env = { LC_ALL: 'C.UTF-8' };
  const { code, stdout, stderr } = await sandbox.exec(['sc_auth', 'show', ...args], { user, env });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

test.serial('before it is paired, and after; whose it is only root and its owner see', async (t) => {
  const mallory = 'mallory';
  await person.addUser(sandbox, mallory);
  t.regex(await show(sandbox.user), /9A is not paired with you\. To pair it: sc_auth pair/);
  await person.pairCard(sandbox);
  t.regex(await show(sandbox.user), /│ {2}P-256, PIN once, touch never\n│ {2}paired with you/);
  t.regex(await show('root'), /paired with ada/);
  t.regex(await show(mallory), /not paired with you/);
  t.false((await show(mallory)).includes(sandbox.user));
  const { cards } = JSON.parse(await show('root', '--json')) as {
    cards: { keys: { pairedWith: string[] }[] }[];
  };
  t.deepEqual(cards[0]?.keys[0]?.pairedWith, [sandbox.user]);
});

test.serial('a wrong PIN is seen, and no PIN is spent by looking', async (t) => {
  await sandbox.exec(['sc_auth', 'verifypin'], { user: sandbox.user, input: `${WRONG_PIN}\n` });
  await sandbox.card.clearLog();
  t.regex(await show(sandbox.user), /PIN ●●○ 2 of 3 tries\n│ {2}PUK ●●● 3 of 3 tries/);
  t.false((await person.apduNames(sandbox)).includes('VERIFY'));
});

test.serial('two cards with one GUID: each is shown with its own key and reader', async (t) => {
  const { cards: before } = JSON.parse(await show('root', '--json')) as { cards: { id: string }[] };
  const guid = before[0]?.id.split(':')[1] ?? '';
  const from = sandbox.agentLog().length;
  const twin = await sandbox.addCard(['--key', 'p256:2', '--guid', guid]);
  await person.untilAgentSays(sandbox, 'token in', from);
  const { cards } = JSON.parse(await show('root', '--json')) as {
    cards: { id: string; reader: string; keys: { hash: string; reader: string }[] }[];
  };
  t.deepEqual(new Set(cards.map(({ id }) => id)), new Set([before[0]?.id]));
  t.is(new Set(cards.map(({ reader }) => reader)).size, 2);
  for (const { reader, keys } of cards) t.true(keys.every((key) => key.reader === reader));
  const hashes = cards.map(({ keys }) => keys[0]?.hash);
  t.is(new Set(hashes).size, 2, 'each has a key of its own');
  await twin.eject();
  twin.close();
});

test.serial('on terminals of 80 and 40 columns no line is broken by the terminal', async (t) => {
  for (const columns of [80, 40]) {
    const script = `stty cols ${columns}; LC_ALL=C.UTF-8 NO_COLOR=1 sc_auth show`;
    const { code, screen } = await person.untilEnd(sandbox.pty(['sh', '-c', script], { user: sandbox.user }));
    t.is(code, 0, screen);
    // A busy machine says first that it waits for the card, in a line that it takes away.
    const picture = screen.split('\x1b[0K').at(-1) ?? '';
    const lines = picture.split(/\r?\n/).filter((line) => line !== '');
    t.true(lines.length > 20, screen);
    for (const line of lines) {
      t.true(columnsOf(line) <= columns, `${columns}: ${line}`);
      t.regex(line, /^[╭├│╰]/);
    }
  }
});
