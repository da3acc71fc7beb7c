// The rounds of scauth-fleet with sources and a clock of the test's.

import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { BookMaker, EMPTY_BOOK, readBook, type Book } from '../../../agent/fleet/book.ts';
import type { Item } from '../../../agent/fleet/item.ts';
import { Rounds, waitMs } from '../../../agent/fleet/rounds.ts';
import type { BookSource, Wanted } from '../../../agent/fleet/source.ts';
import { head, keyHash, record } from '../../kit/fleet/lines.ts';

const [KEY, OTHER] = [keyHash(1), keyHash(2)];

class FakeSource implements BookSource {
  readonly name = 'fake';
  lines: string[] = [];
  isDown = false;
  asked: Wanted[] = [];
  lookedUp: string[] = [];

  async fetch(wanted: Wanted): Promise<Book> {
    this.asked.push(wanted);
    await Promise.resolve();
    if (this.isDown) throw new Error('down');
    const maker = new BookMaker();
    for (const item of this.#items())
      if (item.kind !== 'record' || wanted.keys.has(item.name)) maker.add(item);
    return maker.made();
  }

  async lookUp(key: string): Promise<readonly Item[]> {
    this.lookedUp.push(key);
    await Promise.resolve();
    if (this.isDown) throw new Error('down');
    return this.#items().filter(({ kind, name }) => kind === 'record' && name === key);
  }

  #items(): Item[] {
    const { heads, officers, records } = readBook(this.lines.join('\n')).made();
    return [...heads, ...officers, ...[...records.values()].flat()];
  }

  close(): void {
    this.isDown = true;
  }
}

function world(sources: readonly FakeSource[], atStart: Book = EMPTY_BOOK, pollMs = 20) {
  const written: string[] = [];
  const said: string[] = [];
  const time = { ms: 0, isFull: false };
  const rounds = new Rounds({
    sources,
    prefetch: { all: false, users: [], groups: [] },
    pollMs,
    random: () => 0.5,
    clock: { nowMs: () => time.ms, monotonicMs: () => time.ms },
    log: (line) => said.push(line),
    file: {
      atStart: () => atStart,
      write: (bytes) => {
        if (time.isFull) throw new Error('ENOSPC');
        written.push(bytes.toString('latin1'));
        return true;
      },
    },
  });
  return { rounds, written, said, time };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(2);
}

test('what is in the book is fetched again, and what nobody wants is not', async (t) => {
  const source = new FakeSource();
  source.lines = [head(1), record(KEY), record(OTHER)];
  const { rounds, written } = world([source], readBook(record(KEY, 'old')).made());
  rounds.start();
  await until(() => source.asked.length > 1);
  rounds.close();
  t.is(written.at(-1), `${head(1)}\n${record(KEY)}\n`);
});

test('while a source has not answered, the lines of the old file stay', async (t) => {
  const [one, two] = [new FakeSource(), new FakeSource()];
  one.lines = [head(2)];
  two.isDown = true;
  const { rounds, written } = world([one, two], readBook(`${head(1)}\n${record(KEY)}`).made());
  rounds.start();
  await until(() => written.length > 1);
  t.is(written.at(-1), `${head(2)}\n${head(1)}\n${record(KEY)}\n`);
  rounds.close();
});

test('a source that fails keeps what it last said', async (t) => {
  const source = new FakeSource();
  source.lines = [head(1), record(KEY)];
  const { rounds, written, said } = world([source], readBook(record(KEY)).made());
  rounds.start();
  await until(() => written.length > 0);
  source.isDown = true;
  await until(() => said.some((line) => line.includes('1 in a row')));
  rounds.want([KEY]);
  rounds.close();
  t.is(written.at(-1), `${head(1)}\n${record(KEY)}\n`);
});

test('a key that scauthd asks for is looked up once, and again after a minute where nobody knew it', async (t) => {
  const source = new FakeSource();
  const { rounds, written, time } = world([source]);
  for (let turn = 0; turn < 3; turn += 1) {
    rounds.want([KEY]);
    await pause(2);
  }
  t.deepEqual(source.lookedUp, [KEY]);
  source.lines = [record(KEY)];
  time.ms = 59_999;
  rounds.want([KEY]);
  await pause(2);
  t.is(source.lookedUp.length, 1, 'a negative answer is kept for a minute');
  time.ms = 60_001;
  rounds.want([KEY]);
  await until(() => written.length > 0);
  t.is(written.at(-1), `${record(KEY)}\n`);
  rounds.want([KEY]);
  await pause(2);
  t.is(source.lookedUp.length, 2, 'what is in the book is not looked up');
  rounds.close();
});

test('a key that was looked up outlives the round of a source that began before', async (t) => {
  const [slow, quick] = [new FakeSource(), new FakeSource()];
  const { rounds, written } = world([slow, quick]);
  quick.lines = [record(KEY)];
  rounds.want([KEY]);
  await until(() => written.length > 0);
  rounds.start();
  await until(() => slow.asked.length > 2 && quick.asked.length > 2);
  rounds.close();
  t.true(written.every((text) => text.includes(record(KEY))));
  t.true(slow.asked.every(({ keys }) => keys.has(KEY)));
});

test('a record that the source takes back is not in the next book', async (t) => {
  const source = new FakeSource();
  source.lines = [head(1), record(KEY)];
  const { rounds, written } = world([source], readBook(record(KEY)).made());
  rounds.start();
  await until(() => written.length > 0);
  source.lines = [head(2)];
  await until(() => written.at(-1) === `${head(2)}\n`);
  rounds.close();
  t.pass();
});

test('a full disk is said, and the round goes on', async (t) => {
  const source = new FakeSource();
  source.lines = [head(1)];
  const { rounds, written, said, time } = world([source]);
  time.isFull = true;
  rounds.start();
  await until(() => said.some((line) => line.includes('the old one stays')));
  time.isFull = false;
  await until(() => written.length > 0);
  rounds.close();
  t.is(written[0], `${head(1)}\n`);
});

test('a poll is never later than its time; after failures the time grows to a quarter of an hour and is spread', (t) => {
  for (const random of [0, 0.5, 1]) {
    t.true(waitMs(60_000, 0, random) <= 60_000 && waitMs(60_000, 0, random) >= 54_000);
    const times = Array.from({ length: 40 }, (_, at) => waitMs(60_000, at + 1, random));
    t.true((times[0] ?? 0) <= 4000);
    t.true(Math.max(...times) <= 15 * 60_000);
    t.deepEqual(
      [...times].sort((a, b) => a - b),
      times,
    );
  }
  t.not(waitMs(60_000, 5, 0.1), waitMs(60_000, 5, 0.9));
});

test('asked to, it asks each source at once: one that is to wait, and one that is in the middle of an answer', async (t) => {
  const [quick, slow] = [new FakeSource(), new FakeSource()];
  quick.isDown = true;
  let answer = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const fetch = slow.fetch.bind(slow);
  slow.fetch = async (wanted) => {
    const book = await fetch(wanted);
    if (slow.asked.length === 1) await held;
    return book;
  };
  const { rounds, written, said } = world([quick, slow], EMPTY_BOOK, 3_600_000);
  rounds.start();
  await until(() => said.some((line) => line.includes('1 in a row')));
  quick.isDown = false;
  quick.lines = [head(1)];
  slow.lines = [head(2)];
  rounds.askNow();
  await until(() => written.length > 0);
  t.is(quick.asked.length, 2);
  t.is(slow.asked.length, 1, 'not twice at once');
  answer();
  await until(() => slow.asked.length === 2 && written.at(-1) === `${head(2)}\n${head(1)}\n`);
  // Whoever was unknown a moment ago may be in the book by now.
  rounds.want([KEY]);
  await pause(2);
  slow.lines = [head(2), record(KEY)];
  rounds.want([KEY]);
  await pause(2);
  t.is(slow.lookedUp.length, 1);
  rounds.askNow();
  await until(() => written.at(-1)?.includes(record(KEY)) === true);
  rounds.close();
  rounds.askNow();
  t.is(quick.asked.length, 3, 'closed is closed');
});
