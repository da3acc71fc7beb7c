// S15: 100,000 pairings and as many exemptions: every command of root's comes to an end, in turns that nobody notices and in
// bounded memory.

import test from 'ava';
import { manyFigures } from '../bench/many.ts';

test('S15: list, doctor, status, plan and explain at 100,000', async (t) => {
  for (const { name, value, holds } of await manyFigures(100_000)) t.true(holds, `${name} ${value}`);
});
