// A signed book from the directory to the login: slapd, ldapmodify and scauth-fleet are the real ones, and so are scauthd's
// reading of the book and the login story; the card is a key of the test's.

import test from 'ava';
import { GOOD, headKey, mallory, olgaLine, ottoLine } from '../../kit/book/fleet-world.ts';
import { headLine, recordLine } from '../../kit/book/make-book.ts';
import { Through } from '../../kit/fleet/through.ts';

test('the first login on a machine that has never seen the person, and the last one before a head revokes the key', async (t) => {
  const through = new Through();
  t.teardown(() => through.stop());
  await through.start(GOOD, { poll: 5 });
  await through.untilRevoked(t);
});

test('a directory’s administrator who writes records of their own lets nobody in', async (t) => {
  const through = new Through();
  t.teardown(() => through.stop());
  const forged = recordLine('alice', mallory.publicKey, mallory);
  await through.start([olgaLine, ottoLine, headLine(headKey), forged], { poll: 5, prefetch: ['all'] });
  await through.fleet.until('the forged record', () => through.fleet.book().includes(forged));
  await through.world.fleet.refresh();
  t.not(await through.world.outcome(mallory), 'granted');
});
