// What was said to be lost, in scauth.db. No reference to a pairing: it holds whoever is paired with it, and nobody.

import { AgentError } from '../base/errors.ts';
import type { Pkhh } from '../model/key/key.ts';
import type { Lost } from '../model/lost.ts';
import { parseUsername } from '../model/request.ts';
import type { LostPlace, LostTable } from './interface.ts';
import { text, type Row, type StateDatabase } from './state-database.ts';

/** Of a row of `pairing`: by its key, or by the serial number of the card that it was on. */
export const IS_LOST = `(EXISTS (SELECT 1 FROM lost WHERE kind = 'key' AND name = pairing.pkhh)
  OR EXISTS (SELECT 1 FROM lost WHERE kind = 'card'
    AND name = upper(substr(pairing.token_id, instr(pairing.token_id, ':') + 1)))) AS lost`;

function lostOf(row: Row): Lost {
  const kind = text(row['kind']);
  if (kind !== 'key' && kind !== 'card') throw new AgentError('store-unreadable', { detail: 'lost: a kind' });
  return {
    kind,
    name: text(row['name']),
    serial: row['serial'] === null ? null : text(row['serial']),
    user: row['user'] === null ? null : parseUsername(text(row['user'])),
    by: text(row['said_by']),
    atMs: Number(row['said_at_ms']),
  };
}

export class SqliteLost implements LostTable {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  lostBy(pkhh: Pkhh | null, serials: readonly string[]): Lost | null {
    const find = (kind: Lost['kind'], name: string): Lost | null =>
      this.#state.one(lostOf, 'SELECT * FROM lost WHERE kind = ? AND name = ?', kind, name);
    const byKey = pkhh === null ? null : find('key', pkhh);
    return byKey ?? serials.map((serial) => find('card', serial)).find((found) => found !== null) ?? null;
  }

  lostPage(after: LostPlace | null, count: number): Lost[] {
    const { kind = '', name = '' } = after ?? {};
    const sql = 'SELECT * FROM lost WHERE (kind, name) > (?, ?) ORDER BY kind, name LIMIT ?';
    return this.#state.all(lostOf, sql, kind, name, count);
  }

  sayLost(all: readonly Lost[]): Lost[] {
    return this.#state.write((database) => {
      const insert = database.prepare(
        `INSERT OR IGNORE INTO lost (kind, name, serial, user, said_by, said_at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
      );
      return all.filter(
        ({ kind, name, serial, user, by, atMs }) =>
          Number(insert.run(kind, name, serial, user, by, atMs).changes) > 0,
      );
    });
  }

  sayFound(pkhh: Pkhh | null, serial: string | null): Lost[] {
    return this.#state.write((database) => {
      const where = "(kind = 'key' AND name = ?) OR serial = ?";
      const rows = database.prepare(`SELECT * FROM lost WHERE ${where}`).all(pkhh, serial);
      database.prepare(`DELETE FROM lost WHERE ${where}`).run(pkhh, serial);
      return rows.map(lostOf);
    });
  }
}
