// scauth.db: one SQLite file, root's alone, opened when it is first needed and afresh after any failure. It knows no
// table; who reads and writes them is in the files beside this one. "Cannot be read" is always an error.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import { openTableFile } from './table-file.ts';

export type Row = Record<string, SQLOutputValue>;

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

  /** The rows of a query, each as `rowOf` reads it. */
  all<T>(rowOf: (row: Row) => T, sql: string, ...values: SQLInputValue[]): T[] {
    return this.read((database) =>
      this.query(database, sql)
        .all(...values)
        .map((row) => rowOf(row)),
    );
  }

  /** Its first row; null where it finds none. */
  one<T>(rowOf: (row: Row) => T, sql: string, ...values: SQLInputValue[]): T | null {
    return this.read((database) => {
      const row = this.query(database, sql).get(...values);
      return row === undefined ? null : rowOf(row);
    });
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.write((database) => Number(this.query(database, sql).run(...values).changes));
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
      this.#database ??= openTableFile(this.#path);
      return act(this.#database);
    } catch (error) {
      if (
        error instanceof AgentError &&
        ['already-paired', 'key-conflict', 'not-paired'].includes(error.code)
      )
        throw error;
      this.close();
      throw error instanceof AgentError && ['store-unreadable', 'store-newer'].includes(error.code)
        ? error
        : new AgentError('store-unreadable', { detail: `${this.#path} cannot be read`, cause: error });
    }
  }
}
