// Heads of the book: which one counts, for how long, and what the clock has to do with it.

import test from 'ava';
import { pairing } from '../../kit/story/fakes.ts';
import { makeSigner } from '../model/signer.ts';
import {
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
import { headLine, NOW_S } from '../../kit/book/make-book.ts';

const DAY_S = 24 * 3600;

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

test('a server that is gone for a week, and back', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  for (let day = 1; day <= 7; day += 1) {
    world.nowS = NOW_S + day * DAY_S - 3600;
    await world.fleet.refresh();
    t.is(await world.outcome(), 'granted', `day ${day}`);
  }
  world.nowS = NOW_S + 7 * DAY_S;
  t.is(world.fleet.freshness(), 'stale');
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.restart();
  t.is(await world.outcome(), 'unavailable no-pairing');
  // What it had said last, again: an old head does not make it fresh. Then one of now.
  const rest = [olgaLine, ottoLine, adaLine];
  await world.carry(...rest, headLine(headKey));
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.carry(...rest, headLine(headKey, { epoch: 170, issued: world.nowS, until: world.nowS + 3600 }));
  t.is(await world.outcome(), 'granted');
});

test('a head in three parts: none may be left out, doubled or of another issue', async (t) => {
  const part = (number: number, more: Parameters<typeof headLine>[1] = {}): string =>
    headLine(headKey, { epoch: 5, part: number, parts: 3, revokedNumbers: [1000 + number], ...more });
  const rest = [olgaLine, ottoLine, adaLine];
  for (const [what, parts] of [
    ['one is left out', [part(1), part(3)]],
    ['one is of another issue', [part(1), part(2, { issued: NOW_S - 61 }), part(3)]],
    ['one says how many there are otherwise', [part(1), part(2, { parts: 2 }), part(3)]],
    ['one is there twice, and not the same', [part(1), part(2), part(2, { revokedNumbers: [7] }), part(3)]],
    ['one is signed by another', [part(1), headLine(mallory, { epoch: 5, part: 2, parts: 3 }), part(3)]],
  ] as const) {
    const world = fleetWorld(t);
    await world.carry(...rest, ...parts);
    t.is(world.fleet.freshness(), 'no-head', what);
    t.true(world.table.isRevoked(['#1001']), 'what is said no to stays so');
  }
  const world = fleetWorld(t);
  await world.carry(part(3), ...rest, part(2), part(1));
  t.is(world.table.head()?.epoch, 5);
});

test('two heads of one epoch are said, also where they have the same times', async (t) => {
  const world = fleetWorld(t);
  await world.carry(olgaLine, adaLine, headLine(headKey), headLine(headKey, { revokedNumbers: [999] }));
  t.is(world.fleet.freshness(), 'no-head');
  t.regex(world.fleet.standing().problem ?? '', /two heads of epoch 1/);
  await world.carry(olgaLine, adaLine, headLine(headKey, { epoch: 2 }));
  t.is(await world.outcome(), 'granted');
});
