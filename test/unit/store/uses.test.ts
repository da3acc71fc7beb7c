// When pairings were last used, and when their end was told: what the table keeps of it.

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parseUsername } from '../../../agent/model/request.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { temporaryFolder } from '../base/folders.ts';
import { pairing } from '../../kit/story/fakes.ts';
import { makeSigner } from '../model/signer.ts';

const alice = parseUsername('alice');
const bob = parseUsername('bob');
const key = makeSigner('p256').publicKey;
const otherKey = makeSigner('p256').publicKey;

function place(t: ExecutionContext): { path: string; table: SqlitePairingTable } {
  const path = join(temporaryFolder(t), 'scauth.db');
  const table = new SqlitePairingTable(new StateDatabase(path));
  t.teardown(() => {
    table.close();
  });
  return { path, table };
}

test.serial('uses: per user and key, the last one counts, and they go with their pairing', (t) => {
  const { table } = place(t);
  for (const one of [pairing(alice, key), pairing(alice, otherKey), pairing(bob, key)]) table.add(one);
  t.deepEqual([...table.lastUses(alice)], []);
  table.noteUse(alice, key.pkhh, 1000);
  table.noteUse(alice, key.pkhh, 3000);
  table.noteUse(bob, key.pkhh, 2000);
  t.deepEqual([...table.lastUses(alice)], [[key.pkhh, 3000]]);
  t.deepEqual([...table.lastUses(bob)], [[key.pkhh, 2000]]);
  table.noteUse(bob, otherKey.pkhh, 4000); // not paired: nothing to note
  t.is(table.lastUses(bob).size, 1);
  table.remove(alice, key.pkhh);
  t.is(table.lastUses(alice).size, 0);
  table.add(pairing(alice, key));
  t.is(table.lastUses(alice).size, 0);
  t.is(table.lastUses(bob).size, 1);
});

test.serial('when an expiry was told is kept for each user and key', (t) => {
  const { table, path } = place(t);
  const { publicKey } = makeSigner('p256');
  t.is(table.expiryTold(alice, publicKey.pkhh), null);
  table.noteExpiryTold(alice, publicKey.pkhh, 1_800_000_000_123);
  table.noteExpiryTold(alice, publicKey.pkhh, 1_800_000_000_456);
  table.close();
  const again = new SqlitePairingTable(new StateDatabase(path));
  t.is(again.expiryTold(alice, publicKey.pkhh), 1_800_000_000_456);
  t.is(again.expiryTold(bob, publicKey.pkhh), null);
  again.close();
});
