// Each failure of other programs and each attack of our own has a sentence, or a reason why no login shows it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { CHAPTERS, ELSEWHERE } from './behaviours/index.ts';

const NUMBERS = [
  ...Array.from({ length: 26 }, (_, at) => `L${at + 1}`),
  ...Array.from({ length: 17 }, (_, at) => `S${at + 1}`),
];
const named = new Set(
  CHAPTERS.flatMap(([, behaviours]) => behaviours.flatMap(({ of = '' }) => of.match(/\b[LS]\d+\b/g) ?? [])),
);

test('L1 to L26 and S1 to S17: a sentence of the suite, or why there is none', (t) => {
  t.deepEqual(
    NUMBERS.filter((number) => named.has(number) === number in ELSEWHERE),
    [],
    'neither, or both',
  );
  t.deepEqual(
    [...named, ...Object.keys(ELSEWHERE)].filter((number) => !NUMBERS.includes(number)),
    [],
  );
});

test('what has no sentence is tried where it is said to be', (t) => {
  for (const [number, why] of Object.entries(ELSEWHERE)) {
    const files = why.match(/test\/[\w/.-]+\.ts\b/g) ?? [];
    t.true(files.length > 0, number);
    for (const file of files)
      t.regex(readFileSync(join(REPOSITORY, file), 'utf8'), new RegExp(String.raw`\b${number}\b`), file);
  }
});
