// Calls begin one a turn of the event loop, in turn by owner; who uses much of the processor waits longer, root does not.

import test from 'ava';
import { Turns } from '../../../agent/socket/turns.ts';

function busy(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

async function call(turns: Turns, owner: string, act: () => void, isRoot = false): Promise<void> {
  const over = await turns.take(owner, isRoot);
  act();
  over();
}

test('S2: no two calls begin in one turn of the event loop', async (t) => {
  const turns = new Turns();
  let turn = 0;
  const begun: number[] = [];
  const count = setInterval(() => undefined, 1000);
  const tick = (): void => {
    turn += 1;
    if (begun.length < 40) setImmediate(tick);
  };
  setImmediate(tick);
  const owners = Array.from({ length: 40 }, (_, number) => `uid ${number}`);
  await Promise.all(owners.map((owner) => call(turns, owner, () => begun.push(turn), owner === 'uid 7')));
  clearInterval(count);
  t.is(new Set(begun).size, 40);
});

test('S2: an owner with many calls lets each other owner go before the next one', async (t) => {
  const turns = new Turns();
  const order: string[] = [];
  const calls = (owner: string, count: number) =>
    Array.from({ length: count }, () =>
      call(turns, owner, () => {
        order.push(owner);
        busy(2);
      }),
    );
  await Promise.all([...calls('flood', 20), ...calls('a', 1), ...calls('b', 1)]);
  t.true(order.indexOf('a') < 4 && order.indexOf('b') < 4, order.join());
  t.is(order.length, 22);
});

test('S2: root goes first and rests never; others leave the processor half of its time', async (t) => {
  const turns = new Turns();
  const order: string[] = [];
  const act = (owner: string) => () => {
    order.push(owner);
    busy(5);
  };
  const others = Array.from({ length: 5 }, (_, number) => call(turns, `uid ${number}`, act('other')));
  const root = Array.from({ length: 5 }, () => call(turns, 'x', act('root'), true));
  const from = performance.now();
  await Promise.all(root);
  t.deepEqual(order.slice(0, 5), Array(5).fill('root'));
  await Promise.all(others);
  // 25 ms of root's, 25 ms of others', and four rests of 5 ms between these.
  t.true(performance.now() - from >= 65, String(performance.now() - from));
});

test('S2: of one owner two calls are under way at a time, and others’ go on', async (t) => {
  const turns = new Turns();
  const [first, second] = await Promise.all([turns.take('slow', false), turns.take('slow', false)]);
  let third = false;
  const waiting = call(turns, 'slow', () => {
    third = true;
  });
  await call(turns, 'other', () => undefined);
  t.false(third);
  first();
  first();
  await waiting;
  t.true(third);
  second();
});
