// S17: 100,000 logins of each kind, without a card and with one, leave scauthd as small as it was: memory, descriptors and
// threads.
// SOAK_LOGINS: how many of each, 100,000 if it is not set. SOAK_KINDS: which, all if it is not set; `card,wrong-pin`.

import test from 'ava';
import { KINDS, ownAfter } from '../bench/memory-after.ts';

const LOGINS = Number(process.env['SOAK_LOGINS'] ?? 100_000);
const WANTED = process.env['SOAK_KINDS']?.split(',');
const CHOSEN = KINDS.filter((kind) => WANTED?.includes(kind) ?? true);
const MOST_MIB = 35;
/** A connection to pcscd that is kept for the next login, and one that closes at this moment. */
const MOST_MORE = 3;

test(`S17: own memory after ${LOGINS} logins of ${CHOSEN.join(', ')}`, async (t) => {
  const { atRest, after } = await ownAfter(LOGINS, CHOSEN);
  t.log(`at rest ${JSON.stringify(atRest)}, after ${JSON.stringify(after)}`);
  t.true(after.mib <= MOST_MIB);
  t.true(after.descriptors <= atRest.descriptors + MOST_MORE);
  t.true(after.threads <= atRest.threads + MOST_MORE);
});
