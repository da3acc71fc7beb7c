// Fifty machines at one directory, with the poll as it is shipped: a revocation reaches each of them within 65 seconds. A
// machine is a scauth-fleet of its own, and scauthd's reading of the book up to the pairings; the fifty of these are in one
// process. SOAK_MACHINES says another number.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { bookLdif } from '../../agent/model/book/book-ldif.ts';
import {
  ada,
  adaLine,
  alice,
  FleetWorld,
  GOOD,
  headKey,
  olgaLine,
  ottoLine,
} from '../kit/book/fleet-world.ts';
import { headLine } from '../kit/book/make-book.ts';
import { FleetProgram } from '../kit/fleet/program.ts';
import { baseLdif, BOOK_DN, personLdif, Slapd, SUFFIX } from '../kit/fleet/slapd.ts';

const MACHINES = Number(process.env['SOAK_MACHINES'] ?? 50);
const WITHIN_S = 65;
const PLACE = { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' };

interface Machine {
  readonly world: FleetWorld;
  readonly program: FleetProgram;
}

test(`a revocation reaches ${MACHINES} machines of one directory`, async (t) => {
  const slapd = new Slapd();
  slapd.load(baseLdif({ heads: [] }) + personLdif('alice', '0'.repeat(40)));
  await slapd.start();
  t.teardown(() => slapd.remove());
  slapd.modify(bookLdif(GOOD, PLACE));
  const machines: Machine[] = [];
  t.teardown(async () => {
    await Promise.all(machines.map(({ program }) => program.remove()));
    for (const { world } of machines) world.close();
  });
  const letIn = (): number => machines.filter(({ world }) => world.pairings.forUser(alice).length > 0).length;
  for (let at = 0; at < MACHINES; at += 1) {
    const world = new FleetWorld();
    const program = new FleetProgram({ state: join(world.folder, 'carried'), run: world.folder });
    const ca = join(program.folder, 'ca.pem');
    copyFileSync(slapd.authority.certificate, ca);
    program.settings({ url: [slapd.url], base: SUFFIX, ca, prefetch: ['alice'] });
    machines.push({ world, program });
    world.fleet.start();
    program.start();
  }
  while (letIn() < MACHINES) await pause(200);
  slapd.modify(
    bookLdif(
      [olgaLine, ottoLine, headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] }), adaLine],
      PLACE,
    ),
  );
  const beganMs = performance.now();
  while (letIn() > 0 && performance.now() - beganMs < 2 * WITHIN_S * 1000) await pause(100);
  const seconds = (performance.now() - beganMs) / 1000;
  t.log(`the last of ${MACHINES} after ${seconds.toFixed(1)} s`);
  t.is(letIn(), 0);
  t.true(seconds <= WITHIN_S, `${seconds} s`);
});
