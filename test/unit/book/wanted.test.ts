// What a login asks of the book for: an unknown card's key, once; and a new file is seen when it comes.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { makeSigner } from '../model/signer.ts';
import { ada, fleetWorld, GOOD, headKey, mallory, olgaLine } from '../../kit/book/fleet-world.ts';
import { headLine } from '../../kit/book/make-book.ts';

test('an unknown card: the book is asked for its key, waited for, and a no is remembered', async (t) => {
  const world = fleetWorld(t);
  world.answerMs = 120_000;
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

test('a no is remembered for a minute: until then a login neither asks nor waits', async (t) => {
  const world = fleetWorld(t);
  await world.carry(olgaLine, headLine(headKey));
  Object.assign(world, { answerMs: 1, stepMs: 0 });
  const asks = async (): Promise<boolean> => {
    rmSync(world.wantedPath, { force: true });
    t.false(await world.fleet.ask([mallory.publicKey.pkhh, ada.publicKey.pkhh]));
    return existsSync(world.wantedPath);
  };
  t.true(await asks());
  world.stepMs = 59_999;
  t.false(await asks(), 'one look at the clock later');
  world.stepMs = 60_001;
  t.true(await asks());
});

test('what could not be written for want of room is written when there is room', (t) => {
  const world = fleetWorld(t);
  // A folder in the way of the rename, as a full disk is.
  mkdirSync(join(world.wantedPath, 'in-the-way'), { recursive: true });
  world.fleet.cardIn(() => [ada.publicKey.pkhh]);
  t.regex(world.log.join('\n'), /fleet-wanted was not written/);
  rmSync(world.wantedPath, { recursive: true });
  world.fleet.cardIn(() => [ada.publicKey.pkhh]);
  t.is(readFileSync(world.wantedPath, 'utf8'), `${ada.publicKey.pkhh.toLowerCase()}\n`);
});

test('a new file is taken when it is put there, before anybody looks for one', async (t) => {
  const world = fleetWorld(t);
  t.teardown(() => {
    world.fleet.close();
  });
  world.fleet.start();
  await world.fleet.refresh();
  const taken = (): boolean => world.log.some((line) => line.startsWith('fleet: head 1;'));
  writeFileSync(`${world.bookPath}.new`, GOOD.map((line) => `${line}\n`).join(''));
  const beganMs = performance.now();
  renameSync(`${world.bookPath}.new`, world.bookPath);
  while (!taken()) await pause(10);
  t.is(await world.outcome(), 'granted');
  // The look without a watch comes each thirty seconds; which of both it was cannot be told on a machine slower than that.
  if (performance.now() - beganMs > 25_000) t.log('it took longer than a look: this says nothing');
});

test('a folder that is put in the place of the watched one is watched: no look by the clock is needed', async (t) => {
  // Every thirty seconds there is a look without a watch; here there is none.
  const looks = mock.method(globalThis, 'setInterval', () => ({ unref: () => undefined }));
  t.teardown(() => {
    looks.mock.restore();
  });
  const world = fleetWorld(t);
  world.fleet.start();
  await world.carry(...GOOD);
  const folder = dirname(world.bookPath);
  const put = (epoch: number): void => {
    const book = [olgaLine, headLine(headKey, { epoch })].map((line) => `${line}\n`).join('');
    writeFileSync(`${world.bookPath}.new`, book);
    renameSync(`${world.bookPath}.new`, world.bookPath);
  };
  const isTaken = async (epoch: number): Promise<boolean> => {
    const end = performance.now() + 60_000;
    while (world.table.head()?.epoch !== epoch) {
      if (performance.now() > end) return false;
      await pause(20);
    }
    return true;
  };
  renameSync(folder, `${folder}.gone`);
  mkdirSync(folder);
  put(2);
  t.true(await isTaken(2), 'what was put there with it');
  put(3);
  t.true(await isTaken(3));
  rmSync(folder, { recursive: true });
  await pause(200);
  t.is(world.table.head()?.epoch, 3);
  mkdirSync(folder);
  put(4);
  t.true(await isTaken(4), 'after a time without any');
  put(5);
  t.true(await isTaken(5));
});
