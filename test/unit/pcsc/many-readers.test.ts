// S16: the real pcscd with as many readers as it has places for, a card in the first and in the last.

import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { VPCD_PORT } from '../../kit/sandbox/etc.ts';

const READERS = 16;

test('S16: with 16 readers cards are seen in the first and in the last one, and one that is put in later', async (t) => {
  const sandbox = await Sandbox.start({ readers: READERS });
  try {
    t.true(await sandbox.untilCardRead(), sandbox.logs());
    const listed = async (): Promise<number> => {
      const { stdout } = await sandbox.exec(['sc_auth', 'identities', '--json']);
      const { unpaired } = JSON.parse(stdout) as { unpaired: unknown[] };
      return unpaired.length;
    };
    t.is(await listed(), 1);
    const last = await sandbox.addCard(['--key', 'p256'], VPCD_PORT + READERS - 1);
    // pcscd looks at a reader now and then: the test's time limit is the deadline.
    while ((await listed()) < 2) await new Promise((resolve) => setTimeout(resolve, 100));
    last.close();
    t.notRegex(sandbox.agentLog(), /pcscd is not reachable/);
  } finally {
    await sandbox.stop();
  }
});
