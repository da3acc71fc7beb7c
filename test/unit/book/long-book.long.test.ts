// Books of a million lines, by whoever may write the file: the loop goes round all the time, memory stays bounded, nobody gets in,
// and the true book is taken afterwards.

import { closeSync, openSync, writeSync } from 'node:fs';
import test from 'ava';
import { MAX_BOOK_LINES } from '../../../agent/book/book-file.ts';
import { MAX_BOOK_BYTES } from '../../../agent/model/book/limits.ts';
import { ada, adaLine, fleetWorld, GOOD, mallory, olga } from '../../kit/book/fleet-world.ts';
import { line, recordLine } from '../../kit/book/make-book.ts';

const NAME = ada.publicKey.pkhh.toLowerCase();
const BODY = /^scauth-book 1 record \S+ (\S+)/.exec(adaLine)?.[1] ?? '';
const [, signed = ''] = adaLine.split(BODY);

/** What each line is, by its number. */
const KINDS: Readonly<Record<string, (at: number) => string>> = {
  'lines that nobody signed': (at) => `scauth-book 1 record ${NAME} ${at}`,
  'heads that nobody signed': (at) => `scauth-book 1 head ${at} A`,
  'the same good line': () => adaLine,
  'an officer’s signature of another body': (at) => `scauth-book 1 record ${NAME} ${BODY}${at}${signed}`,
  'what is no line': (at) => `${at}`,
};

for (const [what, make] of Object.entries(KINDS))
  test.serial(`a million lines: ${what}`, async (t) => {
    const world = fleetWorld(t);
    await world.carry(...GOOD);
    const made = openSync(world.bookPath, 'w');
    // Or as many as go into the longest book.
    const count = Math.min(1_000_000, MAX_BOOK_BYTES / (make(999_999).length + 1) - 1000);
    for (let at = 0; at < count; at += 1000)
      writeSync(made, Array.from({ length: 1000 }, (_, more) => `${make(at + more)}\n`).join(''));
    closeSync(made);
    const before = process.memoryUsage().rss;
    let turns = 0;
    let isTaken = false;
    const turn = (): void => {
      turns += 1;
      if (!isTaken) setImmediate(turn);
    };
    turn();
    await world.fleet.refresh();
    isTaken = true;
    t.true(turns > 500, `the loop went round ${turns} times`);
    t.true(process.memoryUsage().rss - before < 400 * 1024 * 1024);
    t.not(await world.outcome(mallory), 'granted');
    await world.carry(...GOOD);
    t.is(await world.outcome(), 'granted');
  });

test.serial('a line more than that is refused, and what was taken before stays', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const made = openSync(world.bookPath, 'w');
  for (let at = 0; at <= MAX_BOOK_LINES; at += 1000) writeSync(made, 'x\n'.repeat(1000));
  closeSync(made);
  await world.fleet.refresh();
  t.regex(world.fleet.standing().problem ?? '', /more than 1000000 lines/);
  t.is(await world.outcome(), 'granted');
});

test.serial('more lines of officers and heads than a book has hide none that is in front', async (t) => {
  const world = fleetWorld(t);
  const [officers, , heads] = GOOD;
  const many = Array.from(
    { length: 3000 },
    (_, at) => `scauth-book 1 officer ${at} A\nscauth-book 1 head ${at} A`,
  );
  await world.carry(officers, heads, ...many, adaLine);
  t.is(await world.outcome(), 'granted');
  await world.carry(
    officers,
    heads,
    line('record', NAME, 'A', [olga]),
    recordLine('alice', ada.publicKey, olga, { number: 11 }),
  );
  t.is(await world.outcome(), 'granted');
});
