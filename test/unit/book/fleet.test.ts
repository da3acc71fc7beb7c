// A machine of a fleet: who is let in by the book, through the real policy and login story, and how each thing that makes a
// pairing of it takes it away again.

import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import test from 'ava';
import { parseUsername } from '../../../agent/model/request.ts';
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

const DAY_S = 24 * 3600;

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

test('a head in parts revokes what any part says, and counts as a whole', async (t) => {
  const world = fleetWorld(t);
  const first = headLine(headKey, { epoch: 5, part: 1, parts: 2 });
  const second = headLine(headKey, { epoch: 5, part: 2, parts: 2, revoked: [mallory.publicKey.pkhh] });
  await world.carry(olgaLine, adaLine, first);
  t.is(world.fleet.freshness(), 'no-head');
  await world.carry(olgaLine, adaLine, first, second);
  t.is(world.table.head()?.epoch, 5);
  t.is(await world.outcome(), 'granted');
  t.true(world.table.isRevoked([mallory.publicKey.pkhh]));
});

test('stale: after max_age the book ends, after a day where a card is required; what was paired here goes on', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  const own = makeSigner('p256');
  world.pairings.add(pairing(alice, own.publicKey));
  world.nowS = NOW_S + 25 * 3600;
  t.is(await world.outcome(), 'granted');
  world.isRequired = true;
  t.is(world.fleet.freshness(), 'stale');
  t.is(await world.outcome(), 'unavailable other-card');
  t.is(await world.outcome(own), 'granted');
  world.isRequired = false;
  world.nowS = NOW_S + 7 * DAY_S - 120;
  t.is(await world.outcome(), 'granted');
  world.nowS = NOW_S + 7 * DAY_S + 1;
  t.is(await world.outcome(), 'unavailable other-card');
  t.is(await world.outcome(own), 'granted');
  t.true(world.pairings.isBound(alice));
  world.pairings.remove(alice, own.publicKey.pkhh);
  // Duty stays with whom a withheld head would otherwise make free of it.
  t.true(world.pairings.isBound(alice));
});

test('the clock is set back: what was stale stays so, over a restart too', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  world.nowS = NOW_S + 8 * DAY_S;
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.fleet.refresh();
  world.nowS = NOW_S + 60;
  t.is(world.fleet.freshness(), 'clock-set-back');
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.restart();
  t.is(world.fleet.freshness(), 'clock-set-back');
  t.is(await world.outcome(), 'unavailable no-pairing');
  // Before the head was made.
  const other = fleetWorld(t);
  await other.carry(...GOOD);
  other.nowS = NOW_S - DAY_S;
  t.is(await other.outcome(), 'unavailable no-pairing');
  // Root's way out of a clock that was ahead.
  await world.set({ realm: '', officers: [] });
  await world.set({ realm: 'example.org', officers: [olga.publicKey.sha256] });
  t.is(await world.outcome(), 'granted');
});

test('heads: never back, none of the future, none that has ended, none twice', async (t) => {
  const world = fleetWorld(t);
  const rest = [olgaLine, ottoLine, adaLine];
  await world.carry(...rest, headLine(headKey, { epoch: 7, issued: NOW_S - 100 }));
  await world.carry(...rest, headLine(headKey, { epoch: 6, issued: NOW_S - 1 }));
  t.is(world.table.head()?.epoch, 7);
  t.is(world.table.head()?.issuedMs, (NOW_S - 100) * 1000);
  await world.carry(...rest, headLine(headKey, { epoch: 7, issued: NOW_S - 2 }));
  t.is(world.table.head()?.issuedMs, (NOW_S - 100) * 1000);
  t.regex(world.log.join('\n'), /two heads of epoch 7/);
  await world.carry(...rest, headLine(headKey, { epoch: 8, issued: NOW_S + 3600, until: NOW_S + 7200 }));
  await world.carry(...rest, headLine(headKey, { epoch: 8, issued: NOW_S - 7200, until: NOW_S - 3600 }));
  t.is(world.table.head()?.epoch, 7);
  const two = [headLine(headKey, { epoch: 9 }), headLine(headKey, { epoch: 9, issued: NOW_S - 50 })];
  await world.carry(...rest, ...two, headLine(headKey, { epoch: 8 }));
  t.is(world.table.head()?.epoch, 8);
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

test('an unknown card: the book is asked for its key, waited for, and a no is remembered', async (t) => {
  const world = fleetWorld(t);
  await world.carry(olgaLine, headLine(headKey));
  const waiting = world.login();
  await world.carry(...GOOD);
  t.is((await waiting).outcome, 'granted');
  t.is(readFileSync(world.wantedPath, 'utf8'), `${ada.publicKey.pkhh.toLowerCase()}\n`);
  t.is(statSync(world.wantedPath).mode & 0o777, 0o640);
  for (let number = 0; number < 70; number += 1) {
    const key = number === 69 ? mallory.publicKey.pkhh : makeSigner('ed25519').publicKey.pkhh;
    world.fleet.cardIn(() => [key]);
  }
  const wanted = readFileSync(world.wantedPath, 'utf8').trimEnd().split('\n');
  t.is(wanted.length, 64);
  t.is(wanted.at(-1), mallory.publicKey.pkhh.toLowerCase());
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
