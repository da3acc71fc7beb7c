// M52: 10,000 books that a directory in the attacker's hands may show, through the real policy and login story.

import test from 'ava';
import { attack } from '../../kit/book/hostile.ts';

for (const part of [1, 2, 3, 4])
  test(`2,500 hostile books (${part} of 4): nobody gets in`, async (t) => {
    t.timeout(1_800_000);
    t.is(await attack(2500, part * 1000), 0);
  });
