// scauth.db over upgrades: tables of each older schema keep what they hold, a step is whole or not at all, a newer
// schema is refused. test/vectors/tables/schema-N.db was written by the scauth that knew N steps (make-table.ts): before
// a step is added, the code that is there makes the file of its version, and that is never made again.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { AgentError } from '../../../agent/base/errors.ts';
import { parsePkhh } from '../../../agent/model/key/key.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { bringUpToDate, schemaVersionOf, STEPS, type SchemaStep } from '../../../agent/store/migrations.ts';
import { SqlitePairingTable } from '../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../agent/store/state-database.ts';
import { temporaryFolder } from '../base/folders.ts';
import { pairing } from '../../kit/story/fakes.ts';
import { everybodys } from './everybodys.ts';
import { makeSigner } from '../model/signer.ts';

const vectors = join(import.meta.dirname, '../../vectors/tables');
const ada = parseUsername('ada');
/** The keys of ada's pairings: test/vectors/keys/p256.pem and the one of cacert-user.pem. */
const P256 = parsePkhh('3015E6AC9BD0A6DE11C1436CE7D632F41FD0200F');
const CERTIFIED = parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8');
const unreadable = { instanceOf: AgentError, code: 'store-unreadable' } as const;
const newer = { instanceOf: AgentError, code: 'store-newer' } as const;

/** The versions that a scauth has written, but for the one of now. */
const OLDER = readdirSync(vectors)
  .map((name) => Number(/^schema-(\d+)\.db$/.exec(name)?.[1]))
  .filter((version) => version < STEPS.length)
  .sort((a, b) => a - b);

/** Everything that matters in a file of schema 1 and later, by SQL: no code of ours reads it. */
function rowsOf(database: DatabaseSync): unknown {
  const { version } = database.prepare('SELECT user_version AS version FROM pragma_user_version').get() as {
    version: number;
  };
  return {
    pairings: database.prepare('SELECT * FROM pairing ORDER BY user, paired_at_ms').all(),
    settings: database.prepare('SELECT * FROM setting ORDER BY name').all(),
    uses: version < 2 ? [] : database.prepare('SELECT * FROM pairing_use').all(),
  };
}

function place(t: ExecutionContext): { folder: string; path: string; table: SqlitePairingTable } {
  const folder = temporaryFolder(t);
  const path = join(folder, 'scauth.db');
  const table = new SqlitePairingTable(new StateDatabase(path));
  t.teardown(() => {
    table.close();
  });
  return { folder, path, table };
}

/** A place with the file that an older scauth left. */
function left(t: ExecutionContext, version: number): ReturnType<typeof place> {
  const made = place(t);
  // Git keeps no mode, and the table wants to be root's alone.
  writeFileSync(made.path, readFileSync(join(vectors, `schema-${version}.db`)), { mode: 0o600 });
  return made;
}

function inFile<T>(path: string, act: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path);
  try {
    return act(database);
  } finally {
    database.close();
  }
}

/** Tables, columns and indexes, without the white space of their SQL. */
function shapeOf(database: DatabaseSync): unknown {
  return database
    .prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name')
    .all()
    .map((row) => [row['type'], row['name'], String(row['sql']).replace(/\s+/g, ' ')]);
}

/** An empty file brought to a version by the steps of now. */
function grown(steps: readonly SchemaStep[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  bringUpToDate(database, steps);
  return database;
}

test('each step that was left behind has a table from before it', (t) => {
  t.deepEqual(
    OLDER,
    STEPS.slice(1).map((_, index) => index + 1),
  );
});

for (const version of OLDER) {
  test(`schema ${version}: its step is still the one that its scauth ran`, (t) => {
    const file = left(t, version).path;
    const made = grown(STEPS.slice(0, version));
    t.deepEqual(inFile(file, shapeOf), shapeOf(made));
    made.close();
  });

  test(`schema ${version}: brought up to date, with all that it holds`, (t) => {
    const { folder, path, table } = left(t, version);
    const before = readFileSync(path);
    const rows = inFile(path, rowsOf);
    table.prepare();
    t.like(inFile(path, rowsOf), rows as object);
    t.deepEqual(
      everybodys(table).map(({ user, pkhh, publicKey, certificate }) => [
        user,
        pkhh,
        publicKey?.pkhh ?? null,
        certificate?.length ?? null,
      ]),
      [
        ['ada', P256, P256, null],
        ['ada', CERTIFIED, CERTIFIED, 1433],
        ['bob', '2C6859DD070270D0CE0E605A9369E85F876672DF', null, null],
      ],
    );
    t.false(table.promptSetting({ level: 'machine' }));
    t.is(table.loginDriver('org.scauth.pkcs11'), version === 1 ? null : true);
    t.deepEqual([...table.lastUses(ada)], version === 1 ? [] : [[P256, 1_700_000_003_000]]);
    table.close();

    inFile(path, (database) => {
      t.is(schemaVersionOf(database), STEPS.length);
      const made = grown(STEPS);
      t.deepEqual(shapeOf(database), shapeOf(made));
      made.close();
    });
    // The way back: the same rows, for root alone, and the scauth of before takes it (its version is kept).
    const copy = `${path}.schema-${version}`;
    t.is(statSync(copy).mode & 0o777, 0o600);
    t.is(inFile(copy, schemaVersionOf), version);
    const dump = (file: string): string =>
      execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64);
    const original = join(folder, 'original.db');
    writeFileSync(original, before);
    inFile(original, (database) => {
      database.exec(`VACUUM INTO '${folder}/again.db'`);
    });
    t.is(dump(copy), dump(`${folder}/again.db`));
    t.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.new')),
      [],
    );
    // What came with the steps works.
    table.noteUse(ada, P256, 5);
    t.deepEqual([...table.lastUses(ada)], [[P256, 5]]);
  });
}

test('a disk without room for the copy: nothing is changed, and later it is done', (t) => {
  const { path, table } = left(t, 1);
  const before = readFileSync(path);
  mkdirSync(`${path}.schema-1`);
  writeFileSync(`${path}.schema-1/x`, '');
  const error = t.throws<AgentError>(() => table.forUser(ada), unreadable);
  t.regex(error.detail, /scauth\.db\.schema-1 cannot be written/);
  table.close();
  t.deepEqual(inFile(path, schemaVersionOf), 1);
  t.deepEqual(readFileSync(path).subarray(100), before.subarray(100));
  rmSync(`${path}.schema-1`, { recursive: true });
  t.is(table.forUser(ada).length, 2);
});

/** What a step may get wrong. */
const FAULTS: readonly (readonly [string, SchemaStep])[] = [
  [
    'its SQL fails in the middle',
    { brings: 'x', sql: 'CREATE TABLE x (a) STRICT; DROP TABLE pairing_use; NONSENSE' },
  ],
  [
    'its rows cannot be made',
    {
      brings: 'x',
      sql: 'CREATE TABLE x (a INTEGER) STRICT; DELETE FROM pairing_use',
      fill: () => {
        throw new Error('no');
      },
    },
  ],
  ['rows point nowhere after it', { brings: 'x', sql: 'DELETE FROM pairing' }],
];

for (const [name, step] of FAULTS) {
  test(`a step is whole or not at all: ${name}`, (t) => {
    const { path } = left(t, 2);
    inFile(path, (database) => {
      const shape = shapeOf(database);
      t.throws(() => {
        bringUpToDate(database, [...STEPS.slice(0, 2), step]);
      });
      t.is(schemaVersionOf(database), 2);
      t.deepEqual(shapeOf(database), shape);
      t.is(database.prepare('SELECT count(*) AS n FROM pairing_use').get()?.['n'], 1);
      t.is(database.prepare('PRAGMA foreign_keys').get()?.['foreign_keys'], 1);
      bringUpToDate(database);
    });
  });
}

test('a step that makes a table anew takes no rows of others along', (t) => {
  const { path } = left(t, 2);
  const anew: SchemaStep = {
    brings: 'x',
    sql: `CREATE TABLE p2 (user TEXT NOT NULL, pkhh TEXT NOT NULL, PRIMARY KEY (user, pkhh)) STRICT, WITHOUT ROWID;
      INSERT INTO p2 SELECT user, pkhh FROM pairing; DROP TABLE pairing; ALTER TABLE p2 RENAME TO pairing;`,
  };
  inFile(path, (database) => {
    bringUpToDate(database, [...STEPS.slice(0, 2), anew]);
    t.is(schemaVersionOf(database), 3);
    t.is(database.prepare('SELECT count(*) AS n FROM pairing_use').get()?.['n'], 1);
  });
});

test('while another scauthd has the table open, both go on', (t) => {
  const { path, table } = left(t, 1);
  inFile(path, (old) => {
    old.exec('PRAGMA journal_mode = WAL');
    const select = old.prepare('SELECT * FROM pairing WHERE user = ?');
    t.is(select.all('ada').length, 2);
    t.is(table.forUser(ada).length, 2);
    t.is(select.all('ada').length, 2);
    old.exec("DELETE FROM pairing WHERE user = 'ada'");
  });
  t.is(table.forUser(ada).length, 0);
});

test('a newer schema is refused by name, and nothing is touched', (t) => {
  const { folder, path, table } = left(t, 2);
  inFile(path, (database) => {
    database.exec('PRAGMA user_version = 99');
  });
  const error = t.throws<AgentError>(() => {
    table.prepare();
  }, newer);
  t.is(error.detail, `written by a newer scauth (schema 99; this one knows ${STEPS.length})`);
  table.close();
  t.is(inFile(path, schemaVersionOf), 99);
  t.deepEqual(readdirSync(folder), ['scauth.db']);
});

test('a table without a version is none of ours', (t) => {
  const { path, table } = left(t, 2);
  inFile(path, (database) => {
    database.exec('PRAGMA user_version = 0');
  });
  t.throws(() => everybodys(table), unreadable);
});

test('the making of a table that was cut off begins anew, and an old log is not played into it', (t) => {
  const { path, table } = place(t);
  table.add(pairing(ada, makeSigner('p256').publicKey));
  // The log of a table whose main file somebody removed, and a half-made table.
  copyFileSync(`${path}-wal`, `${path}-kept`);
  table.close();
  rmSync(path);
  copyFileSync(`${path}-kept`, `${path}-wal`);
  writeFileSync(`${path}.new`, 'half');
  t.deepEqual(everybodys(table), []);
  t.false(existsSync(`${path}.new`));
  inFile(path, (database) => {
    t.is(database.prepare('PRAGMA quick_check').get()?.['quick_check'], 'ok');
  });
});
