// The numbers of THREATS.md: tests, code and reports refer to them, so each stands for one thing.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const text = readFileSync(join(import.meta.dirname, '../THREATS.md'), 'utf8');

for (const letter of ['A', 'M', 'U', 'T']) {
  test(`${letter}1, ${letter}2 and so on: each once, in order, and what is named is there`, (t) => {
    const defined = new RegExp(String.raw`^(?:- \*\*|\| )${letter}(\d+)\b`, 'gm');
    const numbers = [...text.matchAll(defined)].map(([, number]) => Number(number));
    t.true(numbers.length > 5 || letter === 'T' || letter === 'A');
    // Work side by side takes numbers from ranges, so some are still to come.
    t.deepEqual(
      numbers,
      [...new Set(numbers)].sort((one, other) => one - other),
    );
    for (const [, number] of text.matchAll(new RegExp(String.raw`\b${letter}(\d{1,2})\b`, 'g')))
      t.true(numbers.includes(Number(number)), `${letter}${number}`);
  });
}
