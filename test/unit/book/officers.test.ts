// Whom a machine of a fleet believes: officers whom root pins, those whom they name, and what each may sign.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import type { OfficerInput } from '../../../agent/model/book/book-body.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import {
  ada,
  adaLine,
  alice,
  type FleetWorld,
  fleetWorld,
  GOOD,
  headKey,
  mallory,
  olga,
  olgaLine,
  oona,
  otto,
  ottoLine,
} from '../../kit/book/fleet-world.ts';
import { headLine, NOW_S, officerLine, recordLine } from '../../kit/book/make-book.ts';

const oonaLine = officerLine(oona.publicKey, [oona], { name: 'Oona', number: 3 });

test('officers: a further one by two others, and only by two who may', async (t) => {
  const by = recordLine('alice', ada.publicKey, oona, { number: 77 });
  const named = (...signers: Parameters<typeof officerLine>[1]): string =>
    officerLine(oona.publicKey, signers, { name: 'Oona', number: 5 });
  const base = [olgaLine, ottoLine, headLine(headKey), by];
  for (const line of [
    named(),
    named(oona),
    named(olga),
    named(olga, olga),
    named(olga, oona),
    named(olga, mallory),
  ]) {
    const world = fleetWorld(t);
    await world.carry(...base, line);
    t.is(await world.outcome(), 'unavailable no-pairing');
  }
  const world = fleetWorld(t);
  await world.carry(...base, named(olga, otto));
  t.is(await world.outcome(), 'granted');
  // What two have said stays said when one of them goes; it ends by name.
  await world.carry(...base, headLine(headKey, { epoch: 2, revoked: [otto.publicKey.sha256] }));
  t.is(await world.outcome(), 'granted');
  await world.carry(...base, headLine(headKey, { epoch: 3, revoked: [oona.publicKey.sha256] }));
  t.is(await world.outcome(), 'unavailable no-pairing');
  // A revoked officer names nobody.
  const late = fleetWorld(t);
  await late.carry(olgaLine, ottoLine, headLine(headKey, { revoked: [otto.publicKey.pkhh] }));
  await late.carry(...base, named(olga, otto));
  t.is(await late.outcome(), 'unavailable no-pairing');
  // Other pins: everything is judged anew.
  await world.set({ officers: [mallory.publicKey.sha256] });
  t.is(world.table.officers().length, 0);
});

test('a key for heads, named by two officers, signs heads and nothing else', async (t) => {
  const world = fleetWorld(t, { headKeys: [] });
  const line = officerLine(headKey.publicKey, [olga, otto], {
    role: 'head',
    groups: [],
    hosts: [],
    number: 9,
  });
  const evil = recordLine('alice', mallory.publicKey, headKey);
  await world.carry(...GOOD, line, evil);
  t.is(world.table.head()?.epoch, 1);
  t.is(await world.outcome(), 'granted');
  t.is(await world.outcome(mallory), 'unavailable other-card');
});

test('an officer’s scope: time, hosts, groups; and nobody pairs root by the way', async (t) => {
  const cases: [string, Parameters<typeof officerLine>[2], string][] = [
    ['expired', { notAfter: NOW_S - 1 }, 'unavailable no-pairing'],
    ['not yet', { notBefore: NOW_S + 100 }, 'unavailable no-pairing'],
    ['elsewhere', { hosts: ['server*', 'desk1'] }, 'unavailable no-pairing'],
    ['here', { hosts: ['DESK*.example.org'] }, 'granted'],
    ['other groups', { groups: ['staff'] }, 'unavailable no-pairing'],
    ['nobody', { groups: [] }, 'unavailable no-pairing'],
    ['own group', { groups: ['staff', 'sales'] }, 'granted'],
  ];
  for (const [name, more, expected] of cases) {
    const world = fleetWorld(t);
    world.members.add('alice sales');
    await world.carry(officerLine(olga.publicKey, [olga], more), headLine(headKey), adaLine);
    t.is(await world.outcome(), expected, name);
    if (name !== 'own group') continue;
    // She leaves the group: asked again before the next login.
    world.members.clear();
    t.is(await world.outcome(), 'unavailable no-pairing');
    world.members.add('alice sales');
    t.is(await world.outcome(), 'granted');
  }
  const world = fleetWorld(t);
  await world.carry(olgaLine, headLine(headKey), recordLine('root', ada.publicKey, olga));
  t.deepEqual(world.pairings.forUser(parseUsername('root')), []);
  t.deepEqual(world.pairings.forKey(ada.publicKey.pkhh), []);
});

test('an officer of root’s file: only that line, or two others, say for whom, where and how long they sign', async (t) => {
  const pinned = (world: FleetWorld, ...lines: readonly string[]): Promise<void> => {
    const file = `${world.folder}/officers.book`;
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o644 });
    return world.set({ officers: [file] });
  };
  const narrow: Partial<OfficerInput>[] = [
    { groups: ['sales'] },
    { hosts: ['server*'] },
    { notAfter: NOW_S + 100 },
  ];
  for (const more of narrow) {
    const world = fleetWorld(t);
    await pinned(world, officerLine(olga.publicKey, [olga], more), ottoLine, oonaLine);
    world.nowS += 200;
    const book = [headLine(headKey), adaLine];
    await world.carry(...book);
    t.is(await world.outcome(), 'unavailable no-pairing');
    // By her own card she says more of herself, with a higher number and as somebody whom she names.
    const wide = officerLine(olga.publicKey, [olga], { number: 50 });
    await world.carry(...book, wide);
    t.is(await world.outcome(), 'unavailable no-pairing', JSON.stringify(more));
    await world.restart();
    t.is(await world.outcome(), 'unavailable no-pairing');
    await world.carry(...book, officerLine(olga.publicKey, [olga, otto], { number: 51 }));
    t.is(await world.outcome(), 'unavailable no-pairing');
    await world.carry(...book, officerLine(olga.publicKey, [oona, otto], { number: 52 }));
    t.is(await world.outcome(), 'granted', JSON.stringify(more));
  }
  // What root writes there counts at once, whatever number the lines had before.
  const world = fleetWorld(t);
  await pinned(world, officerLine(olga.publicKey, [olga], { number: 60 }), ottoLine);
  await world.carry(headLine(headKey), adaLine);
  t.is(await world.outcome(), 'granted');
  await pinned(world, officerLine(olga.publicKey, [olga], { groups: [] }), ottoLine);
  t.is(await world.outcome(), 'unavailable no-pairing');
});

test('everybody is not root by another name: its uid is asked for before a login, and nobody is in doubt', async (t) => {
  const world = fleetWorld(t);
  await world.carry(...GOOD);
  t.is(await world.outcome(), 'granted');
  const noPairing = 'unavailable no-pairing';
  for (const [isRoot, expected] of [
    [() => Promise.resolve(true), noPairing],
    [() => Promise.resolve(false), 'granted'],
    [() => Promise.reject(new Error('the name service is down')), noPairing],
    [() => Promise.resolve(false), 'granted'],
    [() => Promise.resolve(null), noPairing],
  ] as const) {
    world.isRoot = isRoot;
    t.is(await world.outcome(), expected);
  }
  // No answer in time; the one that comes too late counts at the next login.
  world.answerMs = 20;
  // Its own timer keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => {
    clearInterval(alive);
  });
  let answer: (isRoot: boolean) => void = () => undefined;
  world.isRoot = () => new Promise((resolve) => (answer = resolve));
  t.is(await world.outcome(), noPairing);
  answer(false);
  world.answerMs = 5000;
  world.isRoot = () => Promise.resolve(false);
  t.is(await world.outcome(), 'granted');
  // A group of which it is a member may pair it: that is said on purpose.
  const wheel = fleetWorld(t);
  wheel.members.add('alice wheel');
  wheel.isRoot = () => Promise.resolve(true);
  const named = officerLine(olga.publicKey, [olga], { groups: ['*', 'wheel'] });
  await wheel.carry(named, headLine(headKey), adaLine);
  t.is(await wheel.outcome(), 'granted');
});

test('an officer binds nobody to a card whom they may not pair, and withholding frees nobody', async (t) => {
  const world = fleetWorld(t);
  const narrow = officerLine(olga.publicKey, [olga], { groups: ['sales'] });
  const root = recordLine('root', ada.publicKey, otto, { number: 12 });
  await world.carry(narrow, ottoLine, headLine(headKey), adaLine, root);
  t.is(world.table.records(), 2);
  t.false(world.pairings.isBound(alice));
  t.false(world.pairings.isBound(parseUsername('root')));
  world.members.add('alice sales');
  t.is(await world.outcome(), 'granted');
  t.true(world.pairings.isBound(alice));
  // Nor does a name service that does not answer, or a restart.
  world.members.clear();
  t.is(await world.outcome(), 'unavailable no-pairing');
  await world.carry(narrow, ottoLine, headLine(headKey, { epoch: 2 }));
  await world.restart();
  t.true(world.pairings.isBound(alice));
});
