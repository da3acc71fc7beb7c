// M52: a directory in the attacker's hands lets nobody in. The many are in hostile.long.test.ts and hostile.soak.ts.

import { execFileSync } from 'node:child_process';
import { appendFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { MAX_BOOK_BYTES } from '../../../agent/model/book/limits.ts';
import { headLine, NOW_S, recordLine } from '../../kit/book/make-book.ts';
import { attack } from '../../kit/book/hostile.ts';
import {
  fleetWorld,
  GOOD,
  headKey,
  mallory,
  olga,
  olgaLine,
  ada,
  adaLine,
} from '../../kit/book/fleet-world.ts';

test('200 hostile books: nobody gets in', async (t) => {
  t.is(await attack(200, 1), 0);
});

test('the attack is one: with an officer’s card in hand it gets in', async (t) => {
  t.true((await attack(60, 2, olga)) > 0);
});

test('with the on-line key alone it does not', async (t) => {
  t.is(await attack(60, 3, headKey), 0);
});

test('no link, no pipe, no device, no folder is a book', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const other = `${world.folder}/other`;
  renameSync(world.bookPath, other);
  const places: (() => void)[] = [
    () => {
      symlinkSync(other, world.bookPath);
    },
    () => {
      execFileSync('mkfifo', [world.bookPath]);
    },
    () => {
      symlinkSync('/dev/zero', world.bookPath);
    },
  ];
  for (const make of places) {
    rmSync(world.bookPath, { force: true });
    make();
    await world.fleet.refresh();
    t.regex(world.fleet.standing().problem ?? '', /not a regular file|symbolic link/);
    // What was taken before stays, and ends by its age.
    t.is(await world.outcome(), 'granted');
  }
});

test('a file without end is not read, and a line without end is passed over', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD, 'x'.repeat(300_000), recordLine('bob', mallory.publicKey, olga, { number: 90 }));
  t.is(world.table.records(), 2);
  truncateSync(world.bookPath, MAX_BOOK_BYTES + 1);
  await world.fleet.refresh();
  t.regex(world.fleet.standing().problem ?? '', /longer than/);
  const wide = fleetWorld(t);
  writeFileSync(wide.bookPath, 'no line break '.repeat(500_000));
  appendFileSync(wide.bookPath, `\n${GOOD.join('\n')}`);
  await wide.fleet.refresh();
  // The last line has no end yet: it may be half of one.
  t.is(wide.table.records(), 0);
  appendFileSync(wide.bookPath, '\n');
  await wide.fleet.refresh();
  t.is(await wide.outcome(), 'granted');
});

test('wrong signatures end the reading of a book, and what was revoked before them is revoked', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const wrong = adaLine.replace(/ [^ ]+$/, ` ${Buffer.alloc(70, 0x30).toString('base64url')}`);
  const many = Array.from({ length: 1100 }, (_, index) =>
    wrong.replace(' record ', ` record x${index}`).replace(/ x\d+[^ ]*/, ` x${index}`),
  );
  await world.carry(
    ...[olgaLine, headLine(headKey, { epoch: 2, issued: NOW_S - 5, revoked: [ada.publicKey.pkhh] })],
    ...many,
    recordLine('alice', mallory.publicKey, olga, { number: 95 }),
  );
  t.regex(world.fleet.standing().problem ?? '', /signed wrongly/);
  t.is(await world.outcome(), 'unavailable no-pairing');
});

test('a disk that is full in the middle of a book: what is kept is whole, and nobody gets in by half of it', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const keep = world.table.keepRecords.bind(world.table);
  world.table.keepRecords = () => {
    throw new Error('disk full');
  };
  await world.carry(...GOOD, recordLine('alice', mallory.publicKey, olga, { number: 96 }));
  t.regex(world.fleet.standing().problem ?? '', /disk full/);
  t.is(await world.outcome(), 'granted');
  t.is(await world.outcome(mallory), 'unavailable other-card');
  // Revocations come before records, and later it is done.
  world.table.keepRecords = keep;
  await world.fleet.refresh();
  t.is(await world.outcome(mallory), 'granted');
});
