// What a help desk's answers open, in scauth.db, as settings of its own. What made the mask of an earlier challenge is not
// left in the file: it would open what was heard over the telephone then.

import { encodeDeskRecord, parseDeskRecord, type DeskRecord } from '../model/secret/help-desk.ts';
import type { Pkhh } from '../model/key/key.ts';
import type { DeskTable } from './interface.ts';
import { blob, type Row, type StateDatabase } from './state-database.ts';

const nameOf = (pkhh: Pkhh): string => `help_desk ${pkhh}`;

function recordOf(row: Row): DeskRecord | null {
  const value = blob(row['value']);
  return value === null ? null : parseDeskRecord(value);
}

export class SqliteDesk implements DeskTable {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  deskRecord(pkhh: Pkhh): DeskRecord | null {
    return this.#state.one(recordOf, 'SELECT value FROM setting WHERE name = ?', nameOf(pkhh));
  }

  keepDeskRecord(pkhh: Pkhh, record: DeskRecord | null): void {
    this.#state.read((database) => {
      database.exec('PRAGMA secure_delete = ON');
    });
    // Not by a statement that is kept: it would keep the record too.
    this.#state.write((database) => {
      if (record === null) database.prepare('DELETE FROM setting WHERE name = ?').run(nameOf(pkhh));
      else
        database
          .prepare('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)')
          .run(nameOf(pkhh), encodeDeskRecord(record));
    });
    // The log beside the file still has what was there before.
    this.#state.read((database) => {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    });
  }
}
