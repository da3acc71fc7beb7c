// The ten slowest files are named from what each process of a test file has written.

import test from 'ava';
import { slowestFirst } from './times.ts';

test('files are named by their time, the longest first, and half a line is left out', (t) => {
  t.deepEqual(slowestFirst('12 10 a.test.ts\n900 350 b.test.ts\n3'), [
    { file: 'b.test.ts', ms: 900, cpuMs: 350 },
    { file: 'a.test.ts', ms: 12, cpuMs: 10 },
  ]);
});
