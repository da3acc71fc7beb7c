// Who has the next turn at a card.
import test from 'ava';
import { withRank } from '../../../agent/base/ahead.ts';
import { ReaderQueue } from '../../../agent/pcsc/reader-queue.ts';

const LONG_MS = 60_000;

/** They come in this order while somebody is at the card. @returns the order in which they have their turns */
async function turns(holder: boolean, ...comers: readonly string[]): Promise<string[]> {
  const queue = new ReaderQueue();
  const had: string[] = [];
  await withRank(holder, () => queue.acquire(LONG_MS));
  const all = comers.map((who) =>
    withRank(who.startsWith('root'), async () => {
      await Promise.resolve(); // known after a wait as well
      await queue.acquire(LONG_MS);
      had.push(who);
      queue.release();
    }),
  );
  await new Promise(setImmediate);
  queue.release();
  await Promise.all(all);
  return had;
}

test('in order of arrival', async (t) => {
  t.deepEqual(await turns(false, 'a', 'b', 'c'), ['a', 'b', 'c']);
  t.deepEqual(await turns(true, 'root1', 'root2'), ['root1', 'root2']);
});

test('who is before the machine waits for one of a crowd, not for all', async (t) => {
  t.deepEqual(await turns(false, 'a', 'b', 'c', 'root'), ['root', 'a', 'b', 'c']);
});

test('a crowd of those who go ahead keeps nobody out', async (t) => {
  t.deepEqual(await turns(false, 'root1', 'root2', 'root3', 'a', 'b'), ['root1', 'a', 'root2', 'b', 'root3']);
  t.deepEqual(await turns(true, 'root1', 'a'), ['a', 'root1']);
});

test('who gives up is not called', async (t) => {
  const queue = new ReaderQueue();
  await queue.acquire(LONG_MS);
  await t.throwsAsync(
    withRank(true, () => queue.acquire(1)),
    { message: /at the card/ },
  );
  queue.release();
  await queue.acquire(1);
  queue.release();
  t.pass();
});
