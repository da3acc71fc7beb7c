// scauth-fleet as a program, with a folder as its source.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { head, keyHash, officer, record } from '../../kit/fleet/lines.ts';

const [KEY, OTHER] = [keyHash(1), keyHash(2)];

test('a folder is followed: head and officers at each poll, a key when it is asked for, and again after a restart', async (t) => {
  const fleet = new FleetProgram();
  const from = join(fleet.folder, 'from');
  mkdirSync(from);
  writeFileSync(join(from, 'all.book'), `${head(1)}\n${officer('a')}\n${record(KEY)}\n${record(OTHER)}\n`);
  fleet.settings({ url: [`file://${from}`], poll: 5 });
  fleet.start();
  await fleet.bookIs(head(1), officer('a'));
  fleet.want(KEY);
  await fleet.bookIs(head(1), officer('a'), record(KEY));
  fleet.want();
  writeFileSync(join(from, 'all.book'), `${head(2)}\n${record(KEY, 'new')}\n${record(OTHER)}\n`);
  await fleet.bookIs(head(2), record(KEY, 'new'));
  await fleet.stop();
  writeFileSync(join(from, 'all.book'), `${head(3)}\n${record(KEY, 'newest')}\n`);
  fleet.start();
  await fleet.bookIs(head(3), record(KEY, 'newest'));
  await fleet.remove();
  t.pass();
});

test('SIGHUP, as systemctl reload sends it, asks at once, however far away the next poll is', async (t) => {
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const from = join(fleet.folder, 'from');
  fleet.settings({ url: [`file://${from}`], poll: 3600 });
  fleet.start();
  await fleet.until('a failure', () => fleet.said.includes('(1 in a row)'));
  mkdirSync(from);
  writeFileSync(join(from, 'all.book'), `${head(1)}\n`);
  process.kill(fleet.pid, 'SIGHUP');
  await fleet.bookIs(head(1));
  writeFileSync(join(from, 'all.book'), `${head(2)}\n`);
  process.kill(fleet.pid, 'SIGHUP');
  await fleet.bookIs(head(2));
  t.is(fleet.said.split('asking each source now').length, 3);
});

test('a full disk keeps the old book, and the new one is written when there is room', async (t) => {
  const fleet = new FleetProgram();
  const [from, state] = [join(fleet.folder, 'from'), join(fleet.folder, 'state')];
  mkdirSync(from);
  writeFileSync(join(from, 'all.book'), `${head(1)}\n`);
  fleet.settings({ url: [`file://${from}`], poll: 5, prefetch: ['all'] });
  // A disk of its own of 32 KiB, in a namespace of its own; what is in it is looked at from inside.
  const script = `mount -t tmpfs -o size=32k,mode=755 none "$0" && echo mounted >&2 && exec "$@"`;
  fleet.start(['unshare', '--mount', 'sh', '-c', script, state]);
  const inside = (): string => `/proc/${fleet.pid}/root${state}`;
  await fleet.until('mounted', () => fleet.said.includes('answers: 0 keys'));
  const many = Array.from({ length: 20 }, (_, at) => record(keyHash(at), 'x'.repeat(4000)));
  writeFileSync(join(from, 'all.book'), `${[head(2), ...many].join('\n')}\n`);
  await fleet.until('ENOSPC', () => /old one stays: .*ENOSPC/.test(fleet.said));
  t.deepEqual(readdirSync(inside()), ['book'], 'nothing is left beside it');
  writeFileSync(join(from, 'all.book'), `${head(4)}\n`);
  t.is(readFileSync(join(inside(), 'book'), 'latin1'), `${head(1)}\n`);
  await fleet.until('written again', () => readFileSync(join(inside(), 'book'), 'latin1') === `${head(4)}\n`);
  await fleet.remove();
});

test('without an address, or with settings that cannot be meant, it ends with 78 and is not started again', async (t) => {
  for (const [settings, why] of [
    [{}, /fleet\.url is empty/],
    [{ url: ['http://mirror/book'] }, /fleet\.url/],
    [{ url: ['file:///x'], poll: 1 }, /fleet\.poll must be at least 5/],
  ] as const) {
    const fleet = new FleetProgram();
    fleet.settings(settings);
    fleet.start();
    t.is(await fleet.ended(), 78, fleet.said);
    t.regex(fleet.said, why);
    await fleet.remove();
  }
});
