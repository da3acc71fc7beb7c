// The pairing table on real files: what it keeps, what it refuses, and that "cannot be read" is never "not paired".

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../agent/base/errors.ts';
import type { PublicKey } from '../../../agent/model/key/key.ts';
import type { Pairing } from '../../../agent/model/pairing.ts';
import { parseUsername, type Username } from '../../../agent/model/request.ts';
import { parseTokenId } from '../../../agent/model/card/token.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { asNobody, NOBODY, rootTest, temporaryFolder } from '../base/folders.ts';
import { makeSigner } from '../model/signer.ts';
import { everybodys } from './everybodys.ts';

const alice = parseUsername('alice');
const bob = parseUsername('bob');
const key = makeSigner('p256').publicKey;
const otherKey = makeSigner('p256').publicKey;
const unreadable = { instanceOf: AgentError, code: 'store-unreadable' } as const;
const conflict = { instanceOf: AgentError, code: 'key-conflict' } as const;

function pairing(user: Username, publicKey: PublicKey | null, more: Partial<Pairing> = {}): Pairing {
  return {
    user,
    pkhh: (publicKey ?? key).pkhh,
    publicKey,
    tokenId: parseTokenId('org.scauth.piv:01'),
    driver: 'org.scauth.piv',
    label: "Robert'); DROP TABLE pairing;--",
    certificate: Buffer.from([0x30, 0]),
    cardKey: null,
    pairedBy: 'root',
    pairedAtMs: 1,
    ...more,
  };
}

/** The key object cannot be compared by value. */
function comparable(found: readonly Pairing[]): unknown {
  return found.map((one) => ({ ...one, publicKey: one.publicKey?.spki.toString('hex') ?? null }));
}

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly table: SqlitePairingTable;
}

function place(t: ExecutionContext): Place {
  const folder = temporaryFolder(t);
  const path = join(folder, 'scauth.db');
  const table = new SqlitePairingTable(new StateDatabase(path));
  t.teardown(() => {
    table.close();
  });
  return { folder, path, table };
}

/** A closed table with one pairing, all of it in the main file. */
function written(t: ExecutionContext): Place {
  const made = place(t);
  made.table.add(pairing(alice, key));
  made.table.close();
  t.false(existsSync(`${made.path}-wal`));
  return made;
}

test.serial('pairings are kept whole, found and removed, also after a reopening', (t) => {
  const { path, table } = place(t);
  t.deepEqual(table.forUser(alice), []);
  const mine = [
    pairing(alice, key),
    pairing(alice, otherKey, { pairedAtMs: 2, tokenId: null, driver: null, certificate: null }),
  ];
  const all = [...mine, pairing(bob, key, { cardKey: otherKey.spki })];
  for (const one of all) table.add(one);
  table.close();

  const again = new SqlitePairingTable(new StateDatabase(path));
  t.deepEqual(comparable(again.forUser(alice)), comparable(mine));
  t.deepEqual(comparable(everybodys(again)), comparable(all));
  t.deepEqual(
    again.forKey(key.pkhh).map((one) => one.user),
    [alice, bob],
  );
  t.deepEqual(comparable(again.remove(alice, key.pkhh)), comparable(mine.slice(0, 1)));
  t.deepEqual(again.remove(alice, key.pkhh), []);
  t.is(again.remove(alice, null).length, 1);
  t.deepEqual(again.forUser(alice), []);
  t.is(again.forUser(bob).length, 1);
  again.close();
});

test.serial('one key twice for one user is refused, and the first stays', (t) => {
  const { table } = place(t);
  table.add(pairing(alice, key, { label: 'first' }));
  t.throws(
    () => {
      table.add(pairing(alice, key, { label: 'second' }));
    },
    { instanceOf: AgentError, code: 'already-paired' },
  );
  t.deepEqual(
    table.forUser(alice).map((one) => one.label),
    ['first'],
  );
});

test.serial('L22: two keys with one hash are refused', (t) => {
  const { table } = place(t);
  const collision = { ...otherKey, pkhh: key.pkhh };
  table.add(pairing(alice, key));
  t.throws(() => {
    table.add(pairing(bob, collision));
  }, conflict);
  t.throws(() => {
    table.add(pairing(alice, collision));
  }, conflict);
  table.add(pairing(bob, null));
  t.throws(() => {
    table.fixKey(bob, key.pkhh, collision);
  }, conflict);
  t.throws(() => {
    table.fixKey(alice, key.pkhh, collision);
  }, conflict);
  t.deepEqual(comparable(everybodys(table)), comparable([pairing(alice, key), pairing(bob, null)]));
});

test.serial('the key of a hash is fixed once', (t) => {
  const { table } = place(t);
  t.throws(
    () => {
      table.fixKey(alice, key.pkhh, key);
    },
    { instanceOf: AgentError, code: 'not-paired' },
  );
  table.add(pairing(alice, null));
  t.is(table.forUser(alice)[0]?.publicKey, null);
  table.fixKey(alice, key.pkhh, key);
  t.true(table.forUser(alice)[0]?.publicKey?.spki.equals(key.spki));
  t.notThrows(() => {
    table.fixKey(alice, key.pkhh, key);
  });
});

test.serial('the host id is made once, differs between machines and survives reopening', (t) => {
  const first = place(t);
  const second = place(t);
  const id = first.table.hostId();
  t.is(id.length, 16);
  first.table.close();
  t.deepEqual(new SqlitePairingTable(new StateDatabase(first.path)).hostId(), id);
  t.notDeepEqual(second.table.hostId(), id);
});

test.serial('the file and its companions are for root only', (t) => {
  const { path, table } = place(t);
  table.add(pairing(alice, key));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) t.is(statSync(file).mode & 0o777, 0o600, file);
});

for (const [name, spoil] of [
  [
    'random bytes',
    (path: string) => {
      writeFileSync(path, Buffer.alloc(8192, 0xa5));
    },
  ],
  [
    'cut in half',
    (path: string) => {
      truncateSync(path, statSync(path).size / 2);
    },
  ],
  [
    'cut to nothing',
    (path: string) => {
      truncateSync(path, 0);
    },
  ],
  [
    'cut in its header',
    (path: string) => {
      truncateSync(path, 50);
    },
  ],
  [
    'a damaged page',
    (path: string) => {
      const bytes = readFileSync(path);
      bytes.fill(0xff, 4096, 4096 + 600);
      writeFileSync(path, bytes);
    },
  ],
  [
    'a text file',
    (path: string) => {
      writeFileSync(path, 'alice:0B1BEA81\n');
    },
  ],
  [
    'a table missing',
    (path: string) => {
      change(path, 'DROP TABLE pairing');
    },
  ],
  [
    'a key that is not the one that the hash names',
    (path: string) => {
      change(path, `UPDATE pairing SET public_key = x'${otherKey.spki.toString('hex')}'`);
    },
  ],
  [
    'a key that is none',
    (path: string) => {
      change(path, "UPDATE pairing SET public_key = x'3000'");
    },
  ],
  [
    'a hash that is none',
    (path: string) => {
      change(path, "UPDATE pairing SET pkhh = 'x'");
    },
  ],
] as const) {
  test.serial(`L16: ${name}: unreadable, never "not paired", and well again when the file is`, (t) => {
    const { path, table } = written(t);
    const backup = `${path}.good`;
    copyFileSync(path, backup);
    spoil(path);
    for (let times = 0; times < 2; times += 1) {
      t.throws(() => table.forUser(alice), unreadable);
      t.throws(() => everybodys(table), unreadable);
    }
    for (const file of [`${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
    copyFileSync(backup, path);
    t.is(table.forUser(alice).length, 1);
  });
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

test.serial('L16: spoilt while it is open', (t) => {
  const { path, table } = place(t);
  table.add(pairing(alice, key));
  change(path, "UPDATE pairing SET public_key = x'3000'");
  t.throws(() => table.forUser(alice), unreadable);
  const error = t.throws<AgentError>(() => {
    table.add(pairing(bob, key));
  }, unreadable);
  // The cause is the row, not the clean-up after it.
  t.notRegex(String(error.cause), /not open/);
});

test.serial('a table that could not be made is made when it can be', (t) => {
  const { table, path } = place(t);
  writeFileSync(`${path}-wal`, '');
  chmodSync(`${path}-wal`, 0o666);
  t.throws(() => table.forUser(alice), unreadable);
  rmSync(`${path}-wal`);
  t.deepEqual(table.forUser(alice), []);
});

test.serial('a host id that is gone or cut is an error, and none is made in its place', (t) => {
  for (const change of ["UPDATE setting SET value = x'00' WHERE name = 'host_id'", 'DELETE FROM setting']) {
    const { path } = written(t);
    const database = new DatabaseSync(path);
    database.exec(change);
    database.close();
    const table = new SqlitePairingTable(new StateDatabase(path));
    t.throws(() => table.hostId(), { ...unreadable, message: /host id/ }, change);
    table.close();
  }
});

test.serial('a write that fails leaves nothing behind', (t) => {
  const { table } = place(t);
  table.add(pairing(alice, key));
  t.throws(() => {
    table.add({ ...pairing(bob, otherKey), label: null as unknown as string });
  }, unreadable);
  t.is(everybodys(table).length, 1);
  table.add(pairing(bob, otherKey));
  t.is(everybodys(table).length, 2);
});

test.serial('L15: links, FIFOs, hard links and files that others may write are refused', (t) => {
  const { path, table, folder } = written(t);
  const good = join(folder, 'good.db');
  copyFileSync(path, good);
  const refused = (put: () => void): void => {
    rmSync(path, { force: true });
    put();
    t.throws(() => table.forUser(alice), unreadable);
    t.throws(() => table.hostId(), unreadable);
  };
  refused(() => {
    symlinkSync(good, path);
  });
  refused(() => {
    symlinkSync(join(folder, 'nowhere'), path);
  });
  t.false(existsSync(join(folder, 'nowhere')));
  refused(() => {
    execFileSync('mkfifo', [path]);
  });
  refused(() => {
    linkSync(good, path);
  });
  refused(() => {
    copyFileSync(good, path);
    chmodSync(path, 0o660);
  });
  chmodSync(path, 0o600);
  t.is(table.forUser(alice).length, 1);
});

test.serial('L15: a companion that is a link, or that others may write, is refused', (t) => {
  const { path, table, folder } = written(t);
  writeFileSync(join(folder, 'bait'), 'x');
  for (const companion of [`${path}-wal`, `${path}-shm`]) {
    symlinkSync(join(folder, 'bait'), companion);
    t.throws(() => table.forUser(alice), unreadable);
    rmSync(companion);
    writeFileSync(companion, '');
    chmodSync(companion, 0o666);
    t.throws(() => table.forUser(alice), unreadable);
    rmSync(companion);
  }
  t.is(readFileSync(join(folder, 'bait'), 'utf8'), 'x');
  t.is(table.forUser(alice).length, 1);
});

test.serial('L15: a folder that others may write, or that is a link, is refused', (t) => {
  const { folder, table, path } = written(t);
  for (const mode of [0o775, 0o757, 0o1777]) {
    chmodSync(folder, mode);
    t.throws(() => table.forUser(alice), unreadable);
  }
  chmodSync(folder, 0o755);
  t.is(table.forUser(alice).length, 1);
  table.close();
  const outside = temporaryFolder(t);
  symlinkSync(folder, join(outside, 'link'));
  t.throws(
    () => new SqlitePairingTable(new StateDatabase(join(outside, 'link/scauth.db'))).forUser(alice),
    unreadable,
  );
  mkdirSync(join(outside, 'empty'));
  t.throws(
    () => new SqlitePairingTable(new StateDatabase(join(outside, 'absent/scauth.db'))).forUser(alice),
    unreadable,
  );
  t.true(existsSync(path));
});

rootTest("L15: another user's file or folder is refused", (t) => {
  const { folder, table, path } = written(t);
  chownSync(path, NOBODY, NOBODY);
  t.throws(() => table.forUser(alice), unreadable);
  chownSync(path, 0, 0);
  chownSync(folder, NOBODY, NOBODY);
  t.throws(() => table.forUser(alice), unreadable);
});

rootTest('L16: a table that may not be read is unreadable, not empty', (t) => {
  const { table } = written(t);
  asNobody(() => t.throws(() => table.forUser(alice), unreadable));
  t.is(table.forUser(alice).length, 1);
});
