// Enforcement's tables in scauth.db: its state, exemptions, the break-glass code's hash, card logins. No rule is here.

import type { SQLOutputValue } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import type { CardLogin, CodeHash, EnforcementState, Exemption } from '../model/enforcement.ts';
import { parsePkhh } from '../model/key/key.ts';
import { parseUsername, type Username } from '../model/request.ts';
import type { EnforcementTable } from './interface.ts';
import { blob, text, type Row, type StateDatabase } from './state-database.ts';

function whole(value: SQLOutputValue | undefined): number {
  const number = Number(value);
  if (typeof value !== 'number' || !Number.isSafeInteger(number))
    throw new AgentError('store-unreadable', { detail: 'a number column is no number' });
  return number;
}

function stateOf(row: Row): EnforcementState {
  const sinceMs = whole(row['since_ms']);
  const by = text(row['set_by']);
  switch (row['kind']) {
    case 'on':
      return { kind: 'on', sinceMs, by };
    case 'trial':
      return { kind: 'trial', sinceMs, untilMs: whole(row['until_ms']), by };
    default:
      throw new AgentError('store-unreadable', { detail: 'an unknown state of enforcement' });
  }
}

function exemptionOf(row: Row): Exemption {
  return {
    user: parseUsername(text(row['user'])),
    untilMs: whole(row['until_ms']),
    by: text(row['made_by']),
    madeAtMs: whole(row['made_at_ms']),
    reason: text(row['reason']),
  };
}

function cardLoginOf(row: Row): CardLogin {
  return {
    user: parseUsername(text(row['user'])),
    pkhh: parsePkhh(text(row['pkhh'])),
    mapped: whole(row['mapped']) !== 0,
    atMs: whole(row['at_ms']),
  };
}

function codeOf(row: Row): CodeHash | null {
  const salt = blob(row['salt']);
  const hash = blob(row['hash']);
  return salt === null || hash === null ? null : { salt, hash };
}

export class SqliteEnforcement implements EnforcementTable {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  enforcement(): EnforcementState {
    return this.#state.one(stateOf, 'SELECT * FROM enforcement') ?? { kind: 'off' };
  }

  setEnforcement(state: EnforcementState, code?: CodeHash | null): void {
    this.#state.write((database) => {
      database.exec('DELETE FROM enforcement');
      if (state.kind !== 'off') {
        database
          .prepare('INSERT INTO enforcement (one, kind, since_ms, until_ms, set_by) VALUES (1, ?, ?, ?, ?)')
          .run(state.kind, state.sinceMs, state.kind === 'trial' ? state.untilMs : null, state.by);
      }
      if (code === undefined) return;
      database.exec('DELETE FROM break_glass');
      if (code !== null)
        database
          .prepare('INSERT INTO break_glass (one, salt, hash) VALUES (1, ?, ?)')
          .run(code.salt, code.hash);
    });
  }

  exemptionOf(user: Username): Exemption | null {
    return this.#state.one(exemptionOf, 'SELECT * FROM exemption WHERE user = ?', user);
  }

  exemptionPage(after: Username | null, count: number): Exemption[] {
    const sql = 'SELECT * FROM exemption WHERE user > ? ORDER BY user LIMIT ?';
    return this.#state.all(exemptionOf, sql, after ?? '', count);
  }

  exempt({ user, untilMs, by, madeAtMs, reason }: Exemption): void {
    this.#state.run(
      'INSERT OR REPLACE INTO exemption (user, until_ms, made_by, made_at_ms, reason) VALUES (?, ?, ?, ?, ?)',
      ...[user, untilMs, by, madeAtMs, reason],
    );
  }

  unexempt(user: Username): boolean {
    return this.#state.run('DELETE FROM exemption WHERE user = ?', user) > 0;
  }

  breakGlass(): CodeHash | null {
    return this.#state.one(codeOf, 'SELECT salt, hash FROM break_glass');
  }

  setBreakGlass(code: CodeHash | null): void {
    this.setEnforcement(this.enforcement(), code);
  }

  cardLogins(user: Username): CardLogin[] {
    return this.#state.all(cardLoginOf, 'SELECT * FROM card_login WHERE user = ? ORDER BY pkhh', user);
  }

  lastCardLogin(sinceMs: number): CardLogin | null {
    const sql = 'SELECT * FROM card_login WHERE at_ms >= ? ORDER BY at_ms DESC LIMIT 1';
    return this.#state.one(cardLoginOf, sql, sinceMs);
  }

  noteCardLogin({ user, pkhh, mapped, atMs }: CardLogin): void {
    const sql = 'INSERT OR REPLACE INTO card_login (user, pkhh, mapped, at_ms) VALUES (?, ?, ?, ?)';
    this.#state.run(sql, user, pkhh, mapped ? 1 : 0, atMs);
  }
}
