// The pairing table in SQLite: root's alone, whole keys, one row a user and key.
// "Cannot be read" is always an error here, never "no pairing".

import type { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import { parsePkhh, sameKey, type Pkhh, type PublicKey } from '../model/key/key.ts';
import {
  clash,
  listedKey,
  type ListedPairing,
  type PairedCardFacts,
  type Pairing,
} from '../model/pairing.ts';
import type { Lost } from '../model/lost.ts';
import type { PromptScope } from '../model/pairing-prompt.ts';
import { parseUsername, type Username } from '../model/request.ts';
import { parseTokenId } from '../model/card/token.ts';
import type { ExpiryNotices, LoginDriverTable, PairingPlace, PairingTable } from './interface.ts';
import { KnownKeys } from './known-keys.ts';
import { IS_LOST, SqliteLost } from './sqlite-lost.ts';
import { blob, text, type Row, type StateDatabase } from './state-database.ts';

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

const namesOf = (row: Row) => ({
  user: parseUsername(text(row['user'])),
  pkhh: parsePkhh(text(row['pkhh'])),
  tokenId: row['token_id'] === null ? null : parseTokenId(text(row['token_id'])),
  driver: row['driver'] === null ? null : text(row['driver']),
  label: text(row['label']),
});

const certifiedOf = (row: Row) => ({ certificate: blob(row['certificate']), cardKey: blob(row['card_key']) });

const madeOf = (row: Row) => ({
  pairedBy: text(row['paired_by']),
  pairedAtMs: Number(row['paired_at_ms']),
});

/** When a key was used, of a table of uses. */
export function useOf(row: Row): [Pkhh, number] {
  return [parsePkhh(text(row['pkhh'])), Number(row['used_at_ms'])];
}

function pairingOf(row: Row, keys: KnownKeys): Pairing {
  const spki = blob(row['public_key']);
  const publicKey = spki === null ? null : keys.parse(spki);
  const names = namesOf(row);
  if (publicKey !== null && publicKey.pkhh !== names.pkhh) {
    throw new AgentError('store-unreadable', { detail: 'a pairing names another key than it holds' });
  }
  return { ...names, ...certifiedOf(row), ...madeOf(row), publicKey };
}

function listedOf(row: Row): ListedPairing {
  const spki = blob(row['public_key']);
  const key = spki === null ? null : listedKey(spki, text(row['sha256']));
  return { ...namesOf(row), ...madeOf(row), key, lost: row['lost'] === 1 };
}

function cardFactsOf(row: Row): PairedCardFacts {
  return { ...namesOf(row), ...certifiedOf(row), lost: row['lost'] === 1 };
}

const LISTED = `user, pkhh, public_key, sha256, token_id, driver, label, paired_by, paired_at_ms, ${IS_LOST}`;
const CARD_FACTS = `user, pkhh, token_id, driver, label, certificate, card_key, ${IS_LOST}`;
/** By the primary key, so that a page costs the same wherever it begins. */
const BEHIND = 'WHERE (user, pkhh) > (?, ?) ORDER BY user, pkhh LIMIT ?';

function expiryName(user: Username, pkhh: Pkhh): string {
  return `expiry_told ${user} ${pkhh}`;
}

export class SqlitePairingTable implements PairingTable, LoginDriverTable, ExpiryNotices {
  readonly #state: StateDatabase;
  /** Never changes while a file is open. */
  #hostId: { readonly of: DatabaseSync; readonly id: Buffer } | null = null;
  readonly #keys = new KnownKeys();
  readonly #lost: SqliteLost;

  constructor(state: StateDatabase) {
    this.#state = state;
    this.#lost = new SqliteLost(state);
  }

  /** Makes the table, or brings it up to date, now and not at the first login. @throws AgentError as any other call */
  prepare(): void {
    this.hostId();
  }

  hostId(): Buffer {
    return this.#state.read((database) => {
      if (this.#hostId?.of === database) return this.#hostId.id;
      const id = blob(
        this.#state.query(database, "SELECT value FROM setting WHERE name = 'host_id'").get()?.['value'],
      );
      if (id?.length !== 16) throw new AgentError('store-unreadable', { detail: 'no host id' });
      this.#hostId = { of: database, id };
      return id;
    });
  }

  forUser(user: Username): Pairing[] {
    return this.#select('WHERE user = ? ORDER BY paired_at_ms, pkhh', user);
  }

  forKey(pkhh: Pkhh): Pairing[] {
    return this.#select('WHERE pkhh = ? ORDER BY paired_at_ms, user', pkhh);
  }

  isBound(user: Username): boolean {
    return this.forUser(user).length > 0;
  }

  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null {
    return this.#lost.lostBy(pkhh, serials);
  }

  isEmpty(): boolean {
    return this.#state.one(() => true, 'SELECT 1 FROM pairing LIMIT 1') === null;
  }

  page(after: PairingPlace | null, count: number, user?: Username): ListedPairing[] {
    const { user: behind = '', pkhh = '' } = after ?? {};
    const where = user === undefined ? BEHIND : 'WHERE user = ? AND pkhh > ? ORDER BY pkhh LIMIT ?';
    return this.#state.all(listedOf, `SELECT ${LISTED} FROM pairing ${where}`, user ?? behind, pkhh, count);
  }

  cardPage(after: PairingPlace | null, count: number): PairedCardFacts[] {
    const { user = '', pkhh = '' } = after ?? {};
    return this.#state.all(cardFactsOf, `SELECT ${CARD_FACTS} FROM pairing ${BEHIND}`, user, pkhh, count);
  }

  cardsOf(user: Username): PairedCardFacts[] {
    const where = 'WHERE user = ? ORDER BY paired_at_ms, pkhh';
    return this.#state.all(cardFactsOf, `SELECT ${CARD_FACTS} FROM pairing ${where}`, user);
  }

  userPage(after: Username | null, count: number): Username[] {
    return this.#state.read((database) => {
      // One look at the index a user, however many pairings each has.
      const next = this.#state.query(database, 'SELECT min(user) AS user FROM pairing WHERE user > ?');
      const users: Username[] = [];
      for (let last: string = after ?? ''; users.length < count;) {
        const found = next.get(last)?.['user'] ?? null;
        if (found === null) break;
        last = text(found);
        users.push(parseUsername(last));
      }
      return users;
    });
  }

  add(pairing: Pairing): void {
    this.#state.write((database) => {
      for (const other of this.forKey(pairing.pkhh)) {
        if (clash(other, pairing)) {
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
    this.#state.write((database) => {
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
    return this.#state.write((database) => {
      const going =
        pkhh === null ? this.forUser(user) : this.#select('WHERE user = ? AND pkhh = ?', user, pkhh);
      const statement = database.prepare('DELETE FROM pairing WHERE user = ? AND pkhh = ?');
      for (const pairing of going) statement.run(user, pairing.pkhh);
      return going;
    });
  }

  lastUses(user: Username): ReadonlyMap<Pkhh, number> {
    return new Map(this.#state.all(useOf, 'SELECT pkhh, used_at_ms FROM pairing_use WHERE user = ?', user));
  }

  noteUse(user: Username, pkhh: Pkhh, atMs: number): void {
    this.#state.run(
      `INSERT INTO pairing_use (user, pkhh, used_at_ms)
         SELECT user, pkhh, ? FROM pairing WHERE user = ? AND pkhh = ?
         ON CONFLICT DO UPDATE SET used_at_ms = excluded.used_at_ms`,
      ...[atMs, user, pkhh],
    );
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

  expiryTold(user: Username, pkhh: Pkhh): number | null {
    const value = this.#value(expiryName(user, pkhh));
    return value?.length === 8 ? Number(value.readBigInt64BE()) : null;
  }

  noteExpiryTold(user: Username, pkhh: Pkhh, atMs: number): void {
    const value = Buffer.alloc(8);
    value.writeBigInt64BE(BigInt(atMs));
    this.#setValue(expiryName(user, pkhh), value);
  }

  /** A switch; null when it was never set. */
  #setting(name: string): boolean | null {
    const value = this.#value(name);
    return value === null ? null : value[0] !== 0;
  }

  #value(name: string): Buffer | null {
    return this.#state.one((row) => blob(row['value']), 'SELECT value FROM setting WHERE name = ?', name);
  }

  #set(name: string, enabled: boolean): void {
    this.#setValue(name, Buffer.from([enabled ? 1 : 0]));
  }

  #setValue(name: string, value: Buffer): void {
    this.#state.run('INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)', name, value);
  }

  close(): void {
    this.#hostId = null;
    this.#state.close();
  }

  #select(where: string, ...values: string[]): Pairing[] {
    const rowOf = (row: Row): Pairing => pairingOf(row, this.#keys);
    return this.#state.all(rowOf, `SELECT * FROM pairing ${where}`, ...values);
  }
}
