// `npm test -- --changed`: the tests that a change reaches, over any number of steps, and no others.

import test from 'ava';
import { reached } from './changed.ts';

const value = (from: string, to: string) => ({ from, to, typeOnly: false });
const IMPORTS = [
  value('agent/b.ts', 'agent/a.ts'),
  value('test/unit/b.test.ts', 'agent/b.ts'),
  value('test/unit/c.test.ts', 'agent/c.ts'),
  value('agent/c.ts', 'agent/b.ts'),
  value('agent/b.ts', 'agent/c.ts'),
];

test('a test is reached through what it imports, also in a circle', (t) => {
  t.deepEqual(reached(['agent/a.ts'], IMPORTS), ['test/unit/b.test.ts', 'test/unit/c.test.ts']);
  t.deepEqual(reached(['test/unit/c.test.ts'], IMPORTS), ['test/unit/c.test.ts']);
  t.deepEqual(reached(['README.md'], IMPORTS), []);
});
