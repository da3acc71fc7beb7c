// The pairing table: what was paired on this machine, and what a fleet's book adds to it.

import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemDirectory } from '../accounts/account-list.ts';
import { systemClock } from '../base/clock.ts';
import { ANSWER_MS, Fleet } from '../book/fleet.ts';
import { BookedPairings } from '../store/booked-pairings.ts';
import { SqliteBook } from '../store/sqlite-book.ts';
import { SqlitePairingTable } from '../store/sqlite-pairings.ts';
import type { StateDatabase } from '../store/state-database.ts';
import type { Policy } from '../../policy/policy.ts';

export interface PairingSources {
  /** Of this machine alone; it has the settings that go with them too. */
  readonly local: SqlitePairingTable;
  readonly fleet: Fleet;
  /** Of both. */
  readonly pairings: BookedPairings;
}

export function wirePairings(
  database: StateDatabase,
  runtime: string,
  parts: {
    readonly policy: () => Policy;
    readonly isRequired: () => boolean;
    readonly log: (line: string) => void;
  },
): PairingSources {
  const local = new SqlitePairingTable(database);
  const book = new SqliteBook(database);
  const fleet = new Fleet({
    ...parts,
    table: book,
    directory: systemDirectory,
    clock: systemClock,
    host: hostname,
    bookPath: process.env['SCAUTH_BOOK'] ?? '/var/lib/scauth-fleet/book',
    wantedPath: join(runtime, 'fleet-wanted'),
    answerMs: () => ANSWER_MS,
  });
  return { local, fleet, pairings: new BookedPairings({ local, book, now: () => fleet.now() }) };
}
