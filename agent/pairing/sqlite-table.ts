// The pairing table in SQLite: root's alone, whole keys, one row a user and key.
// "Cannot be read" is always an error here, never "no pairing".

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import { parsePkhh, sameKey, type Pkhh, type PublicKey } from '../model/key.ts';
import type { Pairing } from '../model/pairing.ts';
import type { PromptScope } from '../model/prompt.ts';
import { parseUsername, type Username } from '../model/request.ts';
import { parseTokenId } from '../model/token.ts';
import type { LoginDriverTable, PairingTable } from './interface.ts';
import { KnownKeys } from './known-keys.ts';
import { openTableFile } from './table-file.ts';

function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string')
    throw new AgentError('store-unreadable', { detail: 'a text column is not text' });
  return value;
}

function blob(value: SQLOutputValue | undefined): Buffer | null {
  if (value === null || value === undefined) return null;
  if (!(value instanceof Uint8Array))
    throw new AgentError('store-unreadable', { detail: 'a blob column is no blob' });
  return Buffer.from(value);
}

/** A setting's name; neither a user's nor a token's has a space in it. */
function promptName(scope: PromptScope): string {
  switch (scope.level) {
    case 'machine':
      return 'prompt';
    case 'user':
      return `prompt ${scope.user}`;
    case 'card':
      return `prompt ${scope.user} ${scope.tokenId}`;
  }
}

type Row = Record<string, SQLOutputValue>;

function pairingOf(row: Row, keys: KnownKeys): Pairing {
  const spki = blob(row['public_key']);
  const publicKey = spki === null ? null : keys.parse(spki);
  const pkhh = parsePkhh(text(row['pkhh']));
  if (publicKey !== null && publicKey.pkhh !== pkhh) {
    throw new AgentError('store-unreadable', { detail: 'a pairing names another key than it holds' });
  }
  return {
    user: parseUsername(text(row['user'])),
    pkhh,
    publicKey,
    tokenId: row['token_id'] === null ? null : parseTokenId(text(row['token_id'])),
    driver: row['driver'] === null ? null : text(row['driver']),
    label: text(row['label']),
    certificate: blob(row['certificate']),
    cardKey: blob(row['card_key']),
    pairedBy: text(row['paired_by']),
    pairedAtMs: Number(row['paired_at_ms']),
  };
}

export class SqlitePairingTable implements PairingTable, LoginDriverTable {
  readonly #path: string;
  #database: DatabaseSync | null = null;
  /** Never changes while a file is open. */
  #hostId: Buffer | null = null;
  /** The queries of a login, by their SQL; they belong to the open database. */
  readonly #prepared = new Map<string, StatementSync>();
  readonly #keys = new KnownKeys();

  /** @param path absolute; nothing is opened yet: a broken file must not keep the agent from saying so */
  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the table, or brings it up to date, now and not at the first login. @throws AgentError as any other call */
  prepare(): void {
    this.hostId();
  }

  hostId(): Buffer {
    this.#hostId ??= this.#read((database) => {
      const value = blob(
        this.#query(database, "SELECT value FROM setting WHERE name = 'host_id'").get()?.['value'],
      );
      if (value?.length !== 16) throw new AgentError('store-unreadable', { detail: 'no host id' });
      return value;
    });
    return this.#hostId;
  }

  forUser(user: Username): Pairing[] {
    return this.#select('WHERE user = ? ORDER BY paired_at_ms, pkhh', user);
  }

  forKey(pkhh: Pkhh): Pairing[] {
    return this.#select('WHERE pkhh = ? ORDER BY paired_at_ms, user', pkhh);
  }

  all(): Pairing[] {
    return this.#select('ORDER BY user, paired_at_ms, pkhh');
  }

  add(pairing: Pairing): void {
    this.#write((database) => {
      for (const other of this.forKey(pairing.pkhh)) {
        if (
          other.publicKey !== null &&
          pairing.publicKey !== null &&
          !sameKey(other.publicKey, pairing.publicKey)
        ) {
          throw new AgentError('key-conflict', { detail: `two keys with the hash ${pairing.pkhh}` });
        }
        if (other.user === pairing.user) {
          throw new AgentError('already-paired', { detail: `${pairing.user} has ${pairing.pkhh} already` });
        }
      }
      database
        .prepare(
          `INSERT INTO pairing (user, pkhh, public_key, sha256, token_id, driver, label, certificate, card_key,
             paired_by, paired_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          pairing.user,
          pairing.pkhh,
          pairing.publicKey?.spki ?? null,
          pairing.publicKey?.sha256 ?? null,
          pairing.tokenId,
          pairing.driver,
          pairing.label,
          pairing.certificate,
          pairing.cardKey,
          pairing.pairedBy,
          pairing.pairedAtMs,
        );
    });
  }

  fixKey(user: Username, pkhh: Pkhh, key: PublicKey): void {
    this.#write((database) => {
      const known = this.forKey(pkhh);
      const mine = known.find((pairing) => pairing.user === user);
      if (mine === undefined) throw new AgentError('not-paired', { detail: `${user} has no ${pkhh}` });
      if (known.some((pairing) => pairing.publicKey !== null && !sameKey(pairing.publicKey, key))) {
        throw new AgentError('key-conflict', { detail: `two keys with the hash ${pkhh}` });
      }
      database
        .prepare(
          'UPDATE pairing SET public_key = ?, sha256 = ? WHERE user = ? AND pkhh = ? AND public_key IS NULL',
        )
        .run(key.spki, key.sha256, user, pkhh);
    });
  }

  remove(user: Username, pkhh: Pkhh | null): Pairing[] {
    return this.#write((database) => {
      const going = this.forUser(user).filter((pairing) => pkhh === null || pairing.pkhh === pkhh);
      const statement = database.prepare('DELETE FROM pairing WHERE user = ? AND pkhh = ?');
      for (const pairing of going) statement.run(user, pairing.pkhh);
      return going;
    });
  }

  lastUses(user: Username): ReadonlyMap<Pkhh, number> {
    return this.#read((database) => {
      const rows = this.#query(database, 'SELECT pkhh, used_at_ms FROM pairing_use WHERE user = ?').all(user);
      return new Map(rows.map((row) => [parsePkhh(text(row['pkhh'])), Number(row['used_at_ms'])]));
    });
  }

  noteUse(user: Username, pkhh: Pkhh, atMs: number): void {
    this.#write((database) => {
      database
        .prepare(
          `INSERT INTO pairing_use (user, pkhh, used_at_ms)
             SELECT user, pkhh, ? FROM pairing WHERE user = ? AND pkhh = ?
             ON CONFLICT DO UPDATE SET used_at_ms = excluded.used_at_ms`,
        )
        .run(atMs, user, pkhh);
    });
  }

  promptSetting(scope: PromptScope): boolean | null {
    return this.#setting(promptName(scope));
  }

  setPrompt(scope: PromptScope, enabled: boolean): void {
    this.#set(promptName(scope), enabled);
  }

  loginDriver(id: string): boolean | null {
    return this.#setting(`login_driver ${id}`);
  }

  setLoginDriver(id: string, enabled: boolean): void {
    this.#set(`login_driver ${id}`, enabled);
  }

  /** A switch; null when it was never set. */
  #setting(name: string): boolean | null {
    return this.#read((database) => {
      const row = this.#query(database, 'SELECT value FROM setting WHERE name = ?').get(name);
      return row === undefined ? null : blob(row['value'])?.[0] !== 0;
    });
  }

  #set(name: string, enabled: boolean): void {
    this.#write((database) => {
      database
        .prepare(
          'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        )
        .run(name, Buffer.from([enabled ? 1 : 0]));
    });
  }

  close(): void {
    this.#prepared.clear();
    this.#hostId = null;
    this.#database?.close();
    this.#database = null;
  }

  #select(where: string, ...values: string[]): Pairing[] {
    return this.#read((database) =>
      this.#query(database, `SELECT * FROM pairing ${where}`)
        .all(...values)
        .map((row) => pairingOf(row, this.#keys)),
    );
  }

  #query(database: DatabaseSync, sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /** Runs `act` in one transaction that is undone when it throws. */
  #write<T>(act: (database: DatabaseSync) => T): T {
    return this.#read((database) => {
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
  #read<T>(act: (database: DatabaseSync) => T): T {
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
