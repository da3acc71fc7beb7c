// scauth.db: one SQLite file, root's alone, opened when it is first needed and afresh after any failure. It knows no
// table; who reads and writes them is in the files beside this one. "Cannot be read" is always an error.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, constants, existsSync, fstatSync, lstatSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import { checkTrustedFolder, distrustOf, openTrusted } from '../base/trusted-file.ts';
import { MIGRATIONS } from './schema.ts';

const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Makes the file with mode 0600, or checks the one that is there; SQLite opens by name in a folder of root's.
 * @returns true when it was made now
 */
function checkFile(path: string): boolean {
  for (const companion of [`${path}-wal`, `${path}-shm`]) {
    if (!existsSync(companion) && !isLink(companion)) continue;
    const why = isLink(companion)
      ? 'is a symbolic link'
      : distrustOf(lstatSync(companion), process.geteuid?.() ?? 0);
    if (why !== null) throw new AgentError('not-allowed', { detail: `${companion} ${why}` });
  }
  const there = openTrusted(path);
  const fd = there ?? openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  const { size } = fstatSync(fd);
  closeSync(fd);
  // SQLite would take an empty file for a new table, and everybody for not paired.
  if (there !== null && size === 0) {
    throw new AgentError('store-unreadable', { detail: `${path} is empty: restore it, or remove it` });
  }
  return there === null;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** @throws AgentError `store-unreadable` */
export function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string')
    throw new AgentError('store-unreadable', { detail: 'a text column is not text' });
  return value;
}

/** @throws AgentError `store-unreadable` */
export function blob(value: SQLOutputValue | undefined): Buffer | null {
  if (value === null || value === undefined) return null;
  if (!(value instanceof Uint8Array))
    throw new AgentError('store-unreadable', { detail: 'a blob column is no blob' });
  return Buffer.from(value);
}

export class StateDatabase {
  readonly #path: string;
  #database: DatabaseSync | null = null;
  /** The queries of a login, by their SQL; they belong to the open database. */
  readonly #prepared = new Map<string, StatementSync>();

  /** @param path absolute; nothing is opened yet: a broken file must not keep the agent from saying so */
  constructor(path: string) {
    this.#path = path;
  }

  close(): void {
    this.#prepared.clear();
    this.#database?.close();
    this.#database = null;
  }

  query(database: DatabaseSync, sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /** Runs `act` in one transaction that is undone when it throws. */
  write<T>(act: (database: DatabaseSync) => T): T {
    return this.read((database) => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = act(database);
        database.exec('COMMIT');
        return result;
      } catch (error) {
        // A read that failed inside has closed it: then nothing was committed, and the first error is the cause.
        if (database.isOpen && database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** Any failure but our own meanings becomes `store-unreadable`, and the file is opened afresh next time. */
  read<T>(act: (database: DatabaseSync) => T): T {
    try {
      this.#database ??= this.#open();
      return act(this.#database);
    } catch (error) {
      if (
        error instanceof AgentError &&
        ['already-paired', 'key-conflict', 'not-paired'].includes(error.code)
      )
        throw error;
      this.close();
      throw error instanceof AgentError && error.code === 'store-unreadable'
        ? error
        : new AgentError('store-unreadable', { detail: `${this.#path} cannot be read`, cause: error });
    }
  }

  #open(): DatabaseSync {
    if (!checkTrustedFolder(dirname(this.#path))) throw new Error(`${dirname(this.#path)} is not there`);
    const isNew = checkFile(this.#path);
    const database = new DatabaseSync(this.#path);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;');
      const health = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
      if (health !== 'ok') throw new AgentError('store-unreadable', { detail: `damaged: ${String(health)}` });
      this.#migrate(database);
    } catch (error) {
      database.close();
      if (isNew) rmSync(this.#path, { force: true });
      throw error;
    }
    chmodSync(this.#path, 0o600);
    return database;
  }

  #migrate(database: DatabaseSync): void {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version === SCHEMA_VERSION) return;
    if (version > SCHEMA_VERSION) {
      throw new AgentError('store-unreadable', { detail: `written by a newer scauth (schema ${version})` });
    }
    database.exec('BEGIN IMMEDIATE');
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    if (version === 0)
      database.prepare("INSERT INTO setting (name, value) VALUES ('host_id', ?)").run(randomBytes(16));
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  }
}
