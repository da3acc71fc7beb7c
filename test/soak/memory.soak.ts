// S17: 100,000 logins of each kind, without a card and with one, leave scauthd as small as it was.
// SOAK_LOGINS: how many of each, 100,000 if it is not set.

import test from 'ava';
import { ownAfter } from '../bench/memory-after.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 100_000);
const MOST_MIB = 35;

test(`S17: own memory after ${LOGINS} logins of each kind`, async (t) => {
  const { atRest, after } = await ownAfter(LOGINS);
  t.log(`${atRest} MiB at rest, ${after} MiB after`);
  t.true(after <= MOST_MIB);
});
