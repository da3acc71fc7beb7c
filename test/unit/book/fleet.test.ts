// A machine of a fleet: who is let in by the book, through the real policy and login story, and how each thing that makes a
// pairing of it takes it away again.

import { mkdirSync, rmSync } from 'node:fs';
import test from 'ava';
import type { FleetStanding } from '../../../agent/model/book/book-state.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { plan } from '../../../agent/socket/methods/enforcement-methods.ts';
import { pairing } from '../../kit/story/fakes.ts';
import { makeSigner } from '../model/signer.ts';
import {
  ada,
  adaLine,
  alice,
  fleetWorld,
  GOOD,
  headKey,
  mallory,
  olga,
  olgaLine,
  ottoLine,
} from '../../kit/book/fleet-world.ts';
import { headLine, NOW_S, recordLine } from '../../kit/book/make-book.ts';
import { planFor, wouldShutOut } from '../../../agent/stories/enforcement/enforcement-plan.ts';
import { enforcedScene } from '../stories/enforcement/enforcement-fakes.ts';

test('a card of the book logs in, and the audit log says who signed', async (t) => {
  const world = fleetWorld(t);
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.carry(...GOOD);
  const seen = await world.login();
  t.is(seen.outcome, 'granted');
  t.regex(JSON.stringify(seen.events), /record 10, signed by Olga/);
  t.is(await world.outcome(mallory), 'unavailable other-card');
  // In any order, and after a restart without the file.
  await world.carry(...[...GOOD].reverse());
  t.is(await world.outcome(), 'granted');
  rmSync(world.bookPath);
  await world.restart();
  t.is(await world.outcome(), 'granted');
});

test('without a fleet, officers or a head nobody is let in', async (t) => {
  for (const lines of [
    [olgaLine, ottoLine, adaLine],
    [headLine(headKey), adaLine],
    [olgaLine, headLine(olga), adaLine],
    [olgaLine, headLine(mallory), adaLine],
  ]) {
    const world = fleetWorld(t);
    await world.carry(...lines);
    t.not(await world.outcome(), 'granted');
  }
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  await world.set({ officers: [], realm: '' });
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.set({ realm: 'another', officers: [olga.publicKey.sha256] });
  t.is(await world.outcome(), 'unavailable no-pairing');
});

test('revoked is revoked: by key, by number, by officer; and no later head takes it back', async (t) => {
  for (const revoked of [
    { revoked: [ada.publicKey.pkhh] },
    { revoked: [ada.publicKey.sha256] },
    { revokedNumbers: [10] },
    { revoked: [olga.publicKey.sha256] },
    { revokedNumbers: [1] },
  ]) {
    const world = fleetWorld(t);
    await world.carry(...GOOD);
    t.is(await world.outcome(), 'granted');
    await world.carry(olgaLine, ottoLine, adaLine, headLine(headKey, { epoch: 2, ...revoked }));
    t.is(await world.outcome(), 'unavailable no-pairing', JSON.stringify(revoked));
    await world.carry(olgaLine, ottoLine, adaLine, headLine(headKey, { epoch: 3 }));
    t.is(await world.outcome(), 'unavailable no-pairing');
    await world.restart();
    t.is(await world.outcome(), 'unavailable no-pairing');
  }
});

test('records: time, uses, realm, number; a newer one of the officer stays newer', async (t) => {
  const cases: [string, Parameters<typeof recordLine>[3]][] = [
    ['expired', { notAfter: NOW_S - 1 }],
    ['not yet', { notBefore: NOW_S + 60 }],
    ['for nothing', { uses: [] }],
    ['for something else', { uses: ['sign'] }],
    ['of another realm', { realm: 'example.com' }],
  ];
  for (const [name, more] of cases) {
    const world = fleetWorld(t);
    await world.carry(olgaLine, headLine(headKey), recordLine('alice', ada.publicKey, olga, more));
    t.is(await world.outcome(), 'unavailable no-pairing', name);
  }
  const world = fleetWorld(t);
  const newer = recordLine('alice', ada.publicKey, olga, { number: 11, uses: [] });
  await world.carry(...GOOD);
  await world.carry(...GOOD, newer);
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.carry(...GOOD);
  t.is(await world.outcome(), 'unavailable no-pairing', 'the older one, replayed');
  // Gone from the book: gone here; back in it: back.
  const other = fleetWorld(t);
  await other.carry(...GOOD);
  await other.carry(olgaLine, headLine(headKey));
  t.is(await other.outcome(), 'unavailable no-pairing');
  await other.carry(...GOOD);
  t.is(await other.outcome(), 'granted');
});

test('the machine’s own word goes first: unpaired here, lost here, paired here', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  t.is(world.pairings.remove(alice, ada.publicKey.pkhh).length, 1);
  t.is(await world.outcome(), 'unavailable no-pairing');
  t.false(world.pairings.isBound(alice));
  await world.carry(...GOOD, recordLine('alice', ada.publicKey, olga, { number: 50 }));
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.restart();
  t.is(await world.outcome(), 'unavailable no-pairing');
  // A pairing of this machine is one, whatever the book revokes.
  world.pairings.add(pairing(alice, ada.publicKey));
  await world.carry(...GOOD, headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] }));
  t.is(await world.outcome(), 'granted');
  t.is(world.pairings.forUser(alice).length, 1);
  t.is(world.pairings.forUser(alice)[0]?.book, undefined);
});

test('revoked between PIN and signature: no grant', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const seen = await world.login(ada, {
    answers: [
      async () => {
        await world.carry(...GOOD, headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] }));
        return '735912';
      },
    ],
  });
  t.is(seen.outcome, 'denied changed-meanwhile');
});

test('lists name who signed, page by page, and this machine’s pairings stand in the place of the book’s', async (t) => {
  const world = fleetWorld(t);
  const keys = Array.from({ length: 150 }, () => makeSigner('ed25519').publicKey);
  const lines = keys.map((key, index) => recordLine(`user${index % 40}`, key, olga, { number: 100 + index }));
  await world.carry(...GOOD, ...lines);
  world.pairings.add(pairing(alice, ada.publicKey));
  world.pairings.add(pairing(parseUsername('bob'), mallory.publicKey));
  for (const count of [1, 7, 64, 500]) {
    const seen: string[] = [];
    const cards: string[] = [];
    for (let after = null as { user: typeof alice; pkhh: typeof ada.publicKey.pkhh } | null; ;) {
      const page = world.pairings.page(after, count);
      seen.push(...page.map(({ user, pkhh, book }) => `${user} ${pkhh} ${book?.officer ?? 'here'}`));
      cards.push(...world.pairings.cardPage(after, count).map(({ user, pkhh }) => `${user} ${pkhh}`));
      if (page.length < count) break;
      after = page.at(-1) ?? null;
    }
    t.is(seen.length, 152);
    t.is(new Set(seen).size, 152);
    t.deepEqual(
      cards,
      seen.map((one) => one.split(' ').slice(0, 2).join(' ')),
    );
    t.is(seen.filter((one) => one.endsWith('here')).length, 2);
    const users: string[] = [];
    for (let after = null as typeof alice | null; ;) {
      const page = world.pairings.userPage(after, count);
      users.push(...page);
      if (page.length < count) break;
      after = page.at(-1) ?? null;
    }
    t.is(users.length, 42);
    t.deepEqual(users, [...new Set(users)].sort());
  }
  const own = world.pairings.page(null, 10, parseUsername('user3'));
  const [first, ...others] = own;
  if (first === undefined || others.length < 2) return t.fail();
  t.true(own.every(({ user }) => String(user) === 'user3'));
  t.deepEqual(world.pairings.page({ user: first.user, pkhh: first.pkhh }, 10, first.user), others);
});

test('a folder that is not there yet is no reason to stop, and what is no file is none', async (t) => {
  const world = fleetWorld(t);
  rmSync(world.bookPath, { force: true });
  mkdirSync(world.bookPath);
  await world.fleet.refresh();
  t.regex(world.fleet.standing().problem ?? '', /not a regular file/);
  t.is(await world.outcome(), 'unavailable no-pairing');
});
test('the plan of enforcement says that the only card is the book’s, and how fresh the book is', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const scene = enforcedScene();
  const parts = { ...scene, pairings: world.pairings, fleet: () => world.fleet.standing() };
  scene.table.noteCardLogin({ user: alice, pkhh: ada.publicKey.pkhh, mapped: false, atMs: 1 });
  const account = await scene.accounts.byName(alice);
  if (account === null) return t.fail();
  const planned = await planFor(account, parts);
  t.is(planned.keptInBy, 'card');
  t.regex(planned.why, /record 10, signed by Olga, until \d{4}-\d\d-\d\d; fleet-fresh: head 1 .* 1 min old/);
  world.pairings.add(pairing(alice, makeSigner('p256').publicKey));
  t.notRegex((await planFor(account, parts)).why, /Olga/);
  return t.pass();
});

test('how the fleet stands is looked at once for a page of the plan, and not at all for who would be shut out', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD, recordLine('bob', mallory.publicKey, olga, { number: 11 }));
  let looks = 0;
  const scene = enforcedScene();
  const fleet = (): FleetStanding => {
    looks += 1;
    return world.fleet.standing();
  };
  const parts = { ...scene, pairings: world.pairings, fleet };
  for (const [user, by] of [
    [alice, ada],
    [parseUsername('bob'), mallory],
  ] as const)
    scene.table.noteCardLogin({ user, pkhh: by.publicKey.pkhh, mapped: false, atMs: 1 });
  t.is((await wouldShutOut(parts)).count, 0);
  t.is(looks, 0);
  const { accounts } = await plan({ after: null }, { pid: 1, uid: 0, gid: 0 }, { enforcement: parts });
  t.deepEqual(
    accounts.filter(({ why }) => /fleet-fresh: head 1/.test(why)).map(({ user }) => user),
    ['alice', 'bob'],
  );
  t.is(looks, 1);
});
