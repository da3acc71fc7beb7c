// S17: 100,000 logins of each kind, without a card and with one, leave scauthd as small as it was.
// SOAK_LOGINS: how many of each, 100,000 if it is not set. SOAK_KINDS: which, all if it is not set; `card,wrong-pin`.

import test from 'ava';
import { KINDS, ownAfter } from '../bench/memory-after.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 100_000);
const WANTED = process.env['SOAK_KINDS']?.split(',');
const CHOSEN = KINDS.filter((kind) => WANTED?.includes(kind) ?? true);
const MOST_MIB = 35;

test(`S17: own memory after ${LOGINS} logins of ${CHOSEN.join(', ')}`, async (t) => {
  const { atRest, after } = await ownAfter(LOGINS, CHOSEN);
  t.log(`${atRest} MiB at rest, ${after} MiB after`);
  t.true(after <= MOST_MIB);
});
