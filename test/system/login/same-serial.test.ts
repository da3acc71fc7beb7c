// Two people's cards that call themselves the same (cards of one batch), in two readers: what a card says of itself
// names it, and decides nothing. Through PIV, through PIV in a process of its own, and through OpenSC's module.
import test from 'ava';
import type { CardControl } from '../../kit/card/client.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

const GUID = 'A04F5343000000000000000000006FC1';
const BOBS_PIN = '654321';
const WAYS = [
  ['PIV', ''],
  ['PIV in a process of its own', '[piv]\nisolate = true\n'],
  ["OpenSC's module", '[tokens]\ndisabled = ["org.scauth.piv"]\n'],
] as const;

interface Listed {
  readonly hash: string;
  readonly label: string;
}

/** Ada's card in the first reader, Bob's in the second; each is paired. */
async function startWithTwo(config: string): Promise<{ sandbox: Sandbox; bobs: CardControl }> {
  const sandbox = await Sandbox.start({ cardArgs: ['--guid', GUID], config });
  try {
    await person.addUser(sandbox, 'bob');
    const bobs = await insertBobs(sandbox);
    const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
    const { unpaired } = JSON.parse(stdout) as { unpaired: Listed[] };
    for (const { hash, label } of unpaired) {
      const user = label.includes('Bob') ? 'bob' : sandbox.user;
      const { code, stderr } = await sandbox.exec(['sc_auth', 'pair', '-u', user, '-h', hash]);
      if (code !== 0) throw new Error(stderr);
    }
    return { sandbox, bobs };
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

async function insertBobs(sandbox: Sandbox): Promise<CardControl> {
  const from = sandbox.agentLog().length;
  const bobs = await sandbox.addCard([
    ...['--key', 'p256:2', '--cn', 'Bob', '--guid', GUID, '--pin', BOBS_PIN],
  ]);
  await person.untilAgentSays(sandbox, 'token in', from);
  return bobs;
}

/** @returns whether the card opened it */
async function logsIn(sandbox: Sandbox, user: string, pin: string): Promise<boolean> {
  return (await person.pamtester(sandbox, 'root', ['scauth-test', user], pin)).code === 0;
}

for (const [way, config] of WAYS)
  test.serial(`K1: two cards of one serial through ${way}: each PIN goes to its own card`, async (t) => {
    const { sandbox, bobs } = await startWithTwo(config);
    try {
      const tries = async (): Promise<number[]> => [await sandbox.card.getTries(), await bobs.getTries()];
      const verifies = async (): Promise<number[]> => [
        await sandbox.card.verifyCount(),
        await bobs.verifyCount(),
      ];
      await sandbox.card.clearLog();
      await bobs.clearLog();
      t.true(await logsIn(sandbox, 'bob', BOBS_PIN), sandbox.agentLog());
      t.deepEqual(
        [await tries(), await verifies()],
        [
          [3, 3],
          [0, 1],
        ],
      );
      t.true(await logsIn(sandbox, sandbox.user, sandbox.pin), sandbox.agentLog());
      t.deepEqual(
        [await tries(), await verifies()],
        [
          [3, 3],
          [1, 1],
        ],
      );
      t.false(await logsIn(sandbox, 'bob', person.WRONG_PIN));
      t.false(await logsIn(sandbox, 'bob', sandbox.pin), "Ada's PIN is none of Bob's");
      t.deepEqual(await tries(), [3, 1]);
      // The name alone says of neither which one is meant.
      const token =
        /^org\S+:\S+$/m.exec((await sandbox.exec(['sc_auth', 'list-smartcards'])).stdout)?.[0] ?? '';
      const named = await sandbox.exec(['sc_auth', 'verifypin', '-t', token], { input: `${sandbox.pin}\n` });
      t.not(named.code, 0);
      t.regex(named.stderr, /2 cards call themselves \S+: take the others out/);
      // One is pulled: the other is what it was.
      const from = sandbox.agentLog().length;
      await bobs.eject();
      await person.untilAgentSays(sandbox, 'token out', from);
      t.false(await logsIn(sandbox, 'bob', BOBS_PIN), 'his card is not in');
      t.true(await logsIn(sandbox, sandbox.user, sandbox.pin), sandbox.agentLog());
      t.deepEqual(await tries(), [3, 1]);
    } finally {
      bobs.close();
      await sandbox.stop();
    }
  });
