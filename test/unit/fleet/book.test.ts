import test from 'ava';
import fc from 'fast-check';
import { BookMaker, joinBooks, readBook } from '../../../agent/fleet/book.ts';
import { parseItem } from '../../../agent/fleet/item.ts';
import { MAX_BOOK_LINE } from '../../../agent/model/book/limits.ts';
import { head, keyHash, officer, record } from '../../kit/fleet/lines.ts';

const KEY = keyHash(1);

test('a line is taken whole or not at all', (t) => {
  t.deepEqual(parseItem(record(KEY)), { kind: 'record', name: KEY, line: record(KEY) });
  t.is(parseItem(head(17))?.name, '17');
  t.is(parseItem(officer('a'))?.kind, 'officer');
  for (const bad of [
    '',
    'scauth-book 1 record',
    `scauth-book 1 record ${KEY}`,
    `scauth-book 1 record ${KEY} `,
    `scauth-book 1 record ${KEY}  two spaces`,
    `scauth-book 2 record ${KEY} x`,
    ` ${record(KEY)}`,
    record(KEY.toUpperCase()),
    record(KEY.slice(1)),
    record(`${KEY}00`),
    head(-1),
    'scauth-book 1 head 1e5 x',
    'scauth-book 1 head 1234567890123456 x',
    `scauth-book 1 key ${KEY} x`,
    record(KEY, 'a\u00e9'),
    record(KEY, 'a\tb'),
    record(KEY, 'a\r'),
    record(KEY, 'a\0'),
    record(KEY, `a\n${record(keyHash(2))}`),
  ])
    t.is(parseItem(bad), null, JSON.stringify(bad));
});

test('a line of 16 KiB is taken, and one byte more is not', (t) => {
  const full = record(KEY, 'x'.repeat(MAX_BOOK_LINE - record(KEY, '').length));
  t.is(full.length, MAX_BOOK_LINE);
  t.truthy(parseItem(full));
  t.is(parseItem(`${full}x`), null);
});

test('no line of a book can become two, or none that was not given', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom(head(1), record(KEY), officer('a')))),
      (lines) => {
        const text = joinBooks([readBook(lines.join('\n')).made()]).toString('latin1');
        const given = lines.flatMap((line) => line.split('\n'));
        t.true(text.split('\n').every((line) => line === '' || given.includes(line)));
        t.true(text === '' || text.endsWith('\n'));
      },
    ),
  );
});

test('heads are kept by number, of each source; junk with a high number in one does not push out the other’s', (t) => {
  const lying = readBook(
    Array.from({ length: 200 }, (_, at) => head(900_000_000 - at, 'junk')).join('\n'),
  ).made();
  const honest = readBook([1, 2, 3, 4, 5, 6].map((epoch) => head(epoch)).join('\n')).made();
  t.deepEqual(
    honest.heads.map(({ name }) => name),
    ['6', '5', '4', '3'],
  );
  const text = joinBooks([lying, honest]).toString('latin1');
  t.true(text.includes(`${head(6)}\n`));
  const parts = Array.from({ length: 300 }, (_, at) => head(7, `part${at}`));
  t.is(readBook([...parts, head(6)].join('\n')).made().heads.length, 257, 'a head may have many lines');
  t.is(text.match(/junk/g)?.length, 4);
});

test('officers, records of one key, and lines that say the same are limited', (t) => {
  const maker = new BookMaker();
  for (let at = 0; at < 1000; at += 1) maker.addLine(officer(String(at)));
  for (let at = 0; at < 1000; at += 1) maker.addLine(record(KEY, String(at)));
  for (let at = 0; at < 10; at += 1) maker.addLine(record(keyHash(2)));
  const { officers, records } = maker.made();
  t.is(officers.length, 256);
  t.is(records.get(KEY)?.length, 64);
  t.is(records.get(keyHash(2))?.length, 1);
  t.is(maker.leftOut, 1000 - 256 + 1000 - 64);
});

test('the order does not depend on which source was first', (t) => {
  const [a, b] = [head(3), officer('a')].map((line, at) =>
    readBook(`${line}\n${record(keyHash(at))}`).made(),
  );
  if (a === undefined || b === undefined) return t.fail();
  t.deepEqual(joinBooks([a, b]), joinBooks([b, a]));
  t.deepEqual(joinBooks([a, b, a]), joinBooks([b, a]));
  return t.pass();
});
