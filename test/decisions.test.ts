// The numbers of DECISIONS.md: code and documents refer to them, so each stands for one entry, and what is named is there.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..');
const text = readFileSync(join(root, 'DECISIONS.md'), 'utf8');
const numbers = [...text.matchAll(/^- \*\*D(\d+)\. /gm)].map(([, number]) => Number(number));

test('each entry has a number of its own', (t) => {
  t.true(numbers.length > 150);
  t.deepEqual(
    text.match(/^- \*\*(?!D\d+\. )/gm),
    null,
    'an entry without a number: it gets the next that is free',
  );
  // Work side by side takes numbers from ranges, so some are still to come.
  t.is(new Set(numbers).size, numbers.length);
});

test('what code and documents name is there', (t) => {
  const files = ['agent', 'policy', 'config', 'pam', 'install', 'README.md', 'BENCHMARKS.md', 'THREATS.md'];
  const named = execFileSync('grep', ['-rhoE', 'DECISIONS\\.md D[0-9]+(, D[0-9]+)*', ...files], {
    cwd: root,
    encoding: 'utf8',
  });
  const wanted = [...named.matchAll(/D(\d+)/g)].map(([, number]) => Number(number));
  t.true(wanted.length > 10);
  t.deepEqual(
    wanted.filter((number) => !numbers.includes(number)),
    [],
  );
});
