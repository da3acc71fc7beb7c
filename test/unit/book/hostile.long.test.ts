// M52: 1,000 books that a directory in the attacker's hands may show, others than in hostile.test.ts; 10,000 are in
// hostile.soak.ts.

import test from 'ava';
import { attack } from '../../kit/book/hostile.ts';

test('1,000 hostile books: nobody gets in', async (t) => {
  t.timeout(600_000);
  t.is(await attack(1000, 1000), 0);
});
