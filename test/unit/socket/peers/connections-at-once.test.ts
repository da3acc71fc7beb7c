// Places are shared out by owner: a flood takes them from the flood, and never from whose card is at work.

import test from 'ava';
import { Places, type Guest } from '../../../../agent/socket/peers/connections-at-once.ts';

class Caller implements Guest {
  readonly owner: string;
  waitsSinceMs: number | null;
  hasSpoken = false;
  isOut = false;

  constructor(owner: string, waitsSinceMs: number | null) {
    this.owner = owner;
    this.waitsSinceMs = waitsSinceMs;
  }

  displace(): void {
    this.isOut = true;
  }
}

let clock = 0;

/** @returns null when there was no place */
function arrive(places: Places<Caller>, owner: string): Caller | null {
  if (!places.hasRoomFor(owner)) return null;
  const caller = new Caller(owner, (clock += 1));
  places.enter(caller);
  return caller;
}

test('S1: whoever has most makes room for the next, the longest idle one first', (t) => {
  const places = new Places<Caller>(6);
  const many = Array.from({ length: 5 }, () => arrive(places, 'many'));
  const one = arrive(places, 'one');
  const [late, later] = [arrive(places, 'late'), arrive(places, 'late')];
  t.deepEqual(
    many.map((caller) => caller?.isOut),
    [true, true, false, false, false],
  );
  t.false([one, late, later].some((caller) => caller?.isOut !== false));
  t.is(places.taken, 6);
});

test('S1: a thousand owners with one each do not shut out the next', (t) => {
  const places = new Places<Caller>(48, 8);
  const flood = Array.from({ length: 1000 }, (_, number) => arrive(places, `uid ${number}`));
  t.not(arrive(places, 'the next'), null);
  t.is(flood.filter((caller) => caller?.isOut === false).length, 47);
});

test('S1: whose card is at work keeps the place, and who has said something keeps it longer', (t) => {
  const places = new Places<Caller>(3);
  const [works, asked, silent] = ['a', 'b', 'c'].map((owner) => arrive(places, owner));
  if (works == null || asked == null || silent == null) return t.fail();
  works.waitsSinceMs = null;
  asked.hasSpoken = true;
  const next = arrive(places, 'd');
  t.deepEqual([works.isOut, asked.isOut, silent.isOut], [false, false, true]);
  if (next !== null) next.waitsSinceMs = null;
  asked.waitsSinceMs = null;
  t.is(arrive(places, 'e'), null);
  t.is(places.taken, 3);
});

test('S1: an owner who has more displaces nobody who has less, and stays below the cap for one', (t) => {
  const places = new Places<Caller>(4, 3);
  const [a, b] = [arrive(places, 'a'), arrive(places, 'b')];
  const greedy = [1, 2, 3, 4].map(() => arrive(places, 'greedy'));
  t.deepEqual([a?.isOut, b?.isOut], [false, false]);
  t.deepEqual(
    greedy.map((caller) => caller?.isOut),
    [false, false, undefined, undefined],
  );
  const alone = new Places<Caller>(10, 2);
  t.deepEqual(
    [1, 2, 3].map(() => arrive(alone, 'one') !== null),
    [true, true, false],
  );
});

test('a place that is given back is free, and giving it back twice is once', (t) => {
  const places = new Places<Caller>(1);
  const first = arrive(places, 'a');
  if (first === null) return t.fail();
  places.leave(first);
  places.leave(first);
  const second = arrive(places, 'b');
  t.deepEqual([first.isOut, second?.isOut, places.taken], [false, false, 1]);
});

test('S1: a flood that is turned away does not displace itself without end', (t) => {
  const places = new Places<Caller>(48, 8);
  const owners = Array.from({ length: 17 }, (_, number) => `uid ${number}`);
  let displaced = 0;
  for (let round = 0; round < 100; round += 1)
    for (const owner of owners) {
      const caller = arrive(places, owner);
      if (caller !== null)
        caller.displace = () => {
          displaced += 1;
        };
    }
  t.true(displaced <= 17, String(displaced));
});
