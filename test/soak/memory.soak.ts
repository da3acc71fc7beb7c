// S17: 100,000 logins of each kind that uses no card leave scauthd as small as it was.

import test from 'ava';
import { ownAfter } from '../bench/memory-after.ts';

const MOST_MIB = 35;

test('S17: own memory after 100,000 logins of each kind', async (t) => {
  const { atRest, after } = await ownAfter(100_000);
  t.log(`${atRest} MiB at rest, ${after} MiB after`);
  t.true(after <= MOST_MIB);
});
