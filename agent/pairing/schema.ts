// The tables of scauth.db, step by step: pairings and their uses, switches, and what `sc_auth enforce` has set.
// A step that has been released is never changed; what is new is a new step.

/** Each brings the schema from one version (its place in the list) to the next; a new table runs all. */
export const MIGRATIONS: readonly string[] = [
  `
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
  `
  CREATE TABLE pairing_use (
    user TEXT NOT NULL,
    pkhh TEXT NOT NULL,
    used_at_ms INTEGER NOT NULL,
    PRIMARY KEY (user, pkhh),
    FOREIGN KEY (user, pkhh) REFERENCES pairing ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
`,
  // Enforcement. A card login is kept without a reference to its pairing: a mapped card has none.
  `
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
];
