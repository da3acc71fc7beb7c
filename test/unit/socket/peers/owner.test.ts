// Who stands behind a peer: subordinate uids are one user together (subuid(5)), and root's programs the login they come
// from. Garbage in the file is nobody's.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SYSTEM } from '../../../../agent/model/request.ts';
import { ownerOf } from '../../../../agent/socket/peers/owner.ts';
import { parseSubordinateUids, SubordinateUids } from '../../../../agent/socket/peers/subordinate-uids.ts';
import { temporaryFolder } from '../../base/folders.ts';

test('S1: subordinate uids of one user count together, and a change of the file is seen', (t) => {
  const path = join(temporaryFolder(t), 'subuid');
  const users = new SubordinateUids(path);
  const owner = (uid: number) => ownerOf({ pid: process.pid, uid, gid: uid }, users);
  t.is(owner(100_000), 'uid 100000');
  writeFileSync(path, 'ada:100000:65536\nbob:165536:65536\n');
  t.deepEqual([99_999, 100_000, 165_535, 165_536, 231_072].map(owner), [
    'uid 99999',
    'subordinates of ada',
    'subordinates of ada',
    'subordinates of bob',
    'uid 231072',
  ]);
  writeFileSync(path, 'carol:100000:10\n');
  t.is(owner(100_000), 'subordinates of carol');
  writeFileSync(path, `ada:100000:65536\n${'#'.repeat(1024 * 1024)}`);
  t.is(owner(100_000), 'uid 100000');
});

test('lines that are none are left out', (t) => {
  const text =
    'ada:100000\n:1:1\nx y:1:1\n#ada:1:1:\nada:-5:10\nada:0:5000\nada:7:0\n\n1000:200000:5\nada:9:99999999999';
  t.deepEqual(parseSubordinateUids(text), [{ name: '1000', first: 200_000, last: 200_004 }]);
});

test('S1: a program of root belongs to the login that it comes from', (t) => {
  const owner = ownerOf({ pid: process.pid, uid: 0, gid: 0 });
  t.regex(owner, /^(system|login of \d+)$/);
  // Nobody has this number: it cannot be said whose it is.
  t.is(ownerOf({ pid: 2 ** 30, uid: 0, gid: 0 }), SYSTEM);
});
