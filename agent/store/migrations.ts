// What the tables of scauth.db look like, as a list of steps: the place in the list is the version (user_version) that a
// step starts from. A step that has been on somebody's machine is never edited; what is new goes to the end, and
// test/vectors/tables gets a file of the version before it (test/unit/store/make-table.ts).
// During an upgrade the scauthd of before may still finish a login on the new tables: a step adds, it does not rename.
// Why: DECISIONS.md D50.

import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';

export interface SchemaStep {
  /** What it brings, for the log. */
  readonly brings: string;
  readonly sql: string;
  /** Rows that SQL alone cannot make. It runs in the same transaction. */
  readonly fill?: (database: DatabaseSync) => void;
}

export const STEPS: readonly SchemaStep[] = [
  {
    brings: 'pairings and settings',
    sql: `
      CREATE TABLE pairing (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        public_key BLOB,
        sha256 TEXT,
        token_id TEXT,
        driver TEXT,
        label TEXT NOT NULL,
        certificate BLOB,
        card_key BLOB,
        paired_by TEXT NOT NULL,
        paired_at_ms INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX pairing_by_key ON pairing (pkhh);
      CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    `,
    fill: (database) => {
      database.prepare("INSERT INTO setting (name, value) VALUES ('host_id', ?)").run(randomBytes(16));
    },
  },
  {
    brings: 'when a pairing was last used',
    sql: `
      CREATE TABLE pairing_use (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        used_at_ms INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh),
        FOREIGN KEY (user, pkhh) REFERENCES pairing ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // A card login is kept without a reference to its pairing: a card that [mapping] took has none.
    brings: 'enforcement, exemptions and the last card logins',
    sql: `
      CREATE TABLE enforcement (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        kind TEXT NOT NULL CHECK (kind IN ('trial', 'on')),
        since_ms INTEGER NOT NULL,
        until_ms INTEGER,
        set_by TEXT NOT NULL
      ) STRICT;
      CREATE TABLE exemption (
        user TEXT PRIMARY KEY,
        until_ms INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        made_at_ms INTEGER NOT NULL,
        reason TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE break_glass (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        salt BLOB NOT NULL,
        hash BLOB NOT NULL
      ) STRICT;
      CREATE TABLE card_login (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        mapped INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO card_login SELECT user, pkhh, 0, used_at_ms FROM pairing_use;
    `,
  },
  {
    brings: 'secrets of login keyrings, sealed to cards',
    sql: `
      CREATE TABLE keyring_secret (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        public_key BLOB NOT NULL,
        sealed BLOB NOT NULL,
        password_mark BLOB,
        sealed_at_ms INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh),
        FOREIGN KEY (user, pkhh) REFERENCES pairing ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Without a reference to a pairing: to take that back does not make a lost card good.
    brings: 'keys and cards that were said to be lost',
    sql: `
      CREATE TABLE lost (
        kind TEXT NOT NULL CHECK (kind IN ('key', 'card')),
        name TEXT NOT NULL,
        serial TEXT,
        user TEXT,
        said_by TEXT NOT NULL,
        said_at_ms INTEGER NOT NULL,
        PRIMARY KEY (kind, name)
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    // Verified, and nothing more: what counts is asked at each look. A row that goes from the book stays, so that no older
    // record takes its place; what was revoked, or denied here, stays so.
    brings: "a fleet's pairing book",
    sql: `
      CREATE TABLE book_state (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        pins TEXT NOT NULL,
        realm TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        issued_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        head_hash TEXT NOT NULL,
        newest_ms INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE book_officer (
        sha256 TEXT PRIMARY KEY,
        pkhh TEXT NOT NULL,
        spki BLOB NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('officer', 'head')),
        name TEXT NOT NULL,
        groups TEXT NOT NULL,
        hosts TEXT NOT NULL,
        not_before_ms INTEGER NOT NULL,
        not_after_ms INTEGER NOT NULL,
        number INTEGER NOT NULL,
        pinned INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE book_record (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        officer TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        public_key BLOB NOT NULL,
        card_key BLOB,
        label TEXT NOT NULL,
        number INTEGER NOT NULL,
        not_before_ms INTEGER NOT NULL,
        not_after_ms INTEGER NOT NULL,
        line_hash BLOB NOT NULL,
        for_login INTEGER NOT NULL,
        in_scope INTEGER NOT NULL,
        binds INTEGER NOT NULL,
        present INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh, officer)
      ) STRICT;
      CREATE INDEX book_record_by_key ON book_record (pkhh);
      CREATE INDEX book_record_by_line ON book_record (line_hash);
      CREATE TABLE book_revoked (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
      CREATE TABLE book_denied (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        PRIMARY KEY (user, pkhh)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE book_use (
        user TEXT NOT NULL,
        pkhh TEXT NOT NULL,
        used_at_ms INTEGER NOT NULL,
        PRIMARY KEY (user, pkhh)
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

export function schemaVersionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
}

/**
 * Whether the file must be brought up to date before it is used.
 * @throws AgentError `store-newer` when a later scauth has written it
 */
export function isOlder(database: DatabaseSync, steps: readonly SchemaStep[] = STEPS): boolean {
  const version = schemaVersionOf(database);
  if (version > steps.length) {
    throw new AgentError('store-newer', {
      say: `written by a newer scauth (schema ${version}; this one knows ${steps.length})`,
    });
  }
  return version < steps.length;
}

/**
 * Runs the steps that a file has not had, each in one transaction with its version: whatever ends this in the middle, the
 * file is a good one of the version before or after a step. A file that is up to date is left alone.
 * @throws AgentError `store-newer`, `store-unreadable` (rows that no longer fit); SQLite's own errors
 */
export function bringUpToDate(database: DatabaseSync, steps: readonly SchemaStep[] = STEPS): void {
  if (!isOlder(database, steps)) return;
  // A step may have to make a table anew: then dropping the old one must not take the rows that point to it along.
  database.exec('PRAGMA foreign_keys = OFF');
  try {
    while (isOlder(database, steps)) runNext(database, steps);
  } finally {
    database.exec('PRAGMA foreign_keys = ON');
  }
}

function runNext(database: DatabaseSync, steps: readonly SchemaStep[]): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    // Read again under the lock: another scauthd may have run it meanwhile.
    const version = schemaVersionOf(database);
    const step = steps[version];
    if (step !== undefined) {
      database.exec(step.sql);
      step.fill?.(database);
      if (database.prepare('PRAGMA foreign_key_check').get() !== undefined)
        throw new AgentError('store-unreadable', {
          detail: `rows that point nowhere after “${step.brings}”`,
        });
      database.exec(`PRAGMA user_version = ${version + 1}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
