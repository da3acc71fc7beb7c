// S15: one message may unpair hundreds of cards: others are answered meanwhile, and the reply fits into a message.

import { join } from 'node:path';
import { parseUsername } from '../../../agent/model/request.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { rootTest, temporaryFolder } from '../base/folders.ts';
import { fillTable, nameOf } from '../store/fill.ts';
import { serve } from './admin-place.ts';
import { VarlinkClient } from './clients.ts';

const PAIRINGS = 400;
/** Far fewer than the slices that it takes, and far more than a call has of its own. */
const TURNS = 20;

rootTest('S15: a user with hundreds of pairings is unpaired in many turns, each recorded', async (t) => {
  const database = join(temporaryFolder(t), 'scauth.db');
  fillTable(database, { users: 2, each: PAIRINGS });
  const pairings = new SqlitePairingTable(new StateDatabase(database));
  t.teardown(() => {
    pairings.close();
  });
  const { path, audit } = await serve(t, { pairings });
  const client = new VarlinkClient(t, path);
  let turns = 0;
  let ticking = setImmediate(function tick() {
    turns += 1;
    ticking = setImmediate(tick);
  });
  const reply = await client.call('io.scauth.Unpair', { user: nameOf(0), all: true });
  clearImmediate(ticking);
  t.true(turns > TURNS, String(turns));
  const { removed, more } = reply?.parameters as { removed: unknown[]; more: number };
  t.true(more > 0, 'they do not fit into one message');
  t.is(removed.length + more, PAIRINGS);
  t.is(audit.events.filter(({ kind }) => kind === 'pairing-removed').length, PAIRINGS);
  t.deepEqual(pairings.cardsOf(parseUsername(nameOf(0))), []);
  t.is(pairings.cardsOf(parseUsername(nameOf(1))).length, PAIRINGS);
});
