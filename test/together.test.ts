// Test files that run in one process: none is lost, none is doubled, and each keeps its name.

import test from 'ava';
import { filesOf, sortOut, withoutProcess } from './together.ts';

test('each file runs once, by itself or with others; what starts programs is by itself', (t) => {
  const all = filesOf(['test/**/*.test.ts']);
  const { alone, together } = sortOut(all);
  t.deepEqual([...alone, ...together.flat()].sort(), all);
  t.true(together.every((files) => files.length > 10));
  for (const file of all.filter((path) => path.startsWith('test/unit/pam/')))
    t.true(alone.includes(file), file);
  t.true(alone.includes('test/unit/audit/killed.test.ts'), 'a helper of it starts programs');
});

test('a title does not tell the process', (t) => {
  t.is(withoutProcess('artifacts › together › 2 › unit › base › pin › a'), 'unit › base › pin › a');
  t.is(withoutProcess('unit › base › pin › a'), 'unit › base › pin › a');
});
