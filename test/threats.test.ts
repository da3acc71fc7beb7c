// The numbers of THREATS.md: tests, code and reports refer to them, so each stands for one thing, and none is lost.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const text = readFileSync(join(import.meta.dirname, '../THREATS.md'), 'utf8');

for (const letter of ['A', 'M', 'U', 'T']) {
  test(`${letter}1, ${letter}2 and so on: each once, in order`, (t) => {
    const defined = new RegExp(String.raw`^(?:- \*\*|\| )${letter}(\d+)\b`, 'gm');
    const numbers = [...text.matchAll(defined)].map(([, number]) => Number(number));
    t.true(numbers.length > 5 || letter === 'T' || letter === 'A');
    t.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
    for (const [, number] of text.matchAll(new RegExp(String.raw`\b${letter}(\d{1,2})\b`, 'g')))
      t.true(numbers.includes(Number(number)), `${letter}${number}`);
  });
}
