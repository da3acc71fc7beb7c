// A signed book from the directory to the login: slapd, ldapmodify and scauth-fleet are the real ones, and so are scauthd's
// reading of the book and the login story; the card is a key of the test's.

import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { ada, adaLine, GOOD, headKey, mallory, olgaLine, ottoLine } from '../../kit/book/fleet-world.ts';
import { headLine, recordLine } from '../../kit/book/make-book.ts';
import { Through } from '../../kit/fleet/through.ts';

test('the first login on a machine that has never seen the person, and the last one before a head revokes the key', async (t) => {
  const through = new Through();
  const { world, fleet } = through;
  t.teardown(() => through.stop());
  await through.start(GOOD, { poll: 5 });
  await fleet.until('officers and head', () => fleet.book().split('\n').length === 4);
  t.false(fleet.book().includes(adaLine), 'nobody has asked for this key');
  while (world.fleet.standing().head === null) await pause(20);
  t.is(await world.outcome(), 'granted');
  t.true(fleet.book().includes(adaLine), 'it was looked up while the login waited');
  t.not(await world.outcome(mallory), 'granted');

  const revoking = headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] });
  through.publish([olgaLine, ottoLine, revoking, adaLine]);
  await fleet.until('the new head', () => fleet.book().includes(revoking));
  while ((await world.outcome()) === 'granted') await pause(50);
  // A directory that goes back to the old head brings nothing back.
  through.publish(GOOD);
  await fleet.until('the old head', () => !fleet.book().includes(revoking));
  await world.fleet.refresh();
  t.not(await world.outcome(), 'granted');
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
