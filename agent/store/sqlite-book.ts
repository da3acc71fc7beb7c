// What is kept of the pairing book, in scauth.db. A row says that an officer signed it; that it counts is nobody's word here.

import { createHash } from 'node:crypto';
import type { SQLOutputValue } from 'node:sqlite';
import { AgentError } from '../base/errors.ts';
import type { BookHead, BookOfficer, BookRecord, KeptRecord } from '../model/book/book-state.ts';
import { parsePkhh, type Pkhh } from '../model/key/key.ts';
import { parseUsername, type Username } from '../model/request.ts';
import type { BookTable, KeptLine, RecordPlace } from './interface.ts';
import { useOf } from './sqlite-pairings.ts';
import { blob, text, type Row, type StateDatabase } from './state-database.ts';

function bytes(value: SQLOutputValue | undefined): Buffer {
  const found = blob(value);
  if (found === null) throw new AgentError('store-unreadable', { detail: 'a blob column is empty' });
  return found;
}

function words(value: SQLOutputValue | undefined): string[] {
  const list: unknown = JSON.parse(text(value));
  if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
  throw new AgentError('store-unreadable', { detail: 'a list column is no list' });
}

function officerOf(row: Row): BookOfficer {
  const role = text(row['role']);
  if (role !== 'officer' && role !== 'head')
    throw new AgentError('store-unreadable', { detail: 'a role that is none' });
  const spki = bytes(row['spki']);
  const sha256 = text(row['sha256']);
  // Who wrote the row is root; what names another key than it holds is damage all the same.
  if (createHash('sha256').update(spki).digest('hex').toUpperCase() !== sha256)
    throw new AgentError('store-unreadable', { detail: 'an officer names another key than it holds' });
  return {
    ...{ sha256, spki, role, name: text(row['name']), pkhh: parsePkhh(text(row['pkhh'])) },
    groups: words(row['groups']),
    hosts: words(row['hosts']),
    notBeforeMs: Number(row['not_before_ms']),
    notAfterMs: Number(row['not_after_ms']),
    number: Number(row['number']),
    pinned: row['pinned'] === 1,
  };
}

function headOf(row: Row): BookHead {
  return {
    epoch: Number(row['epoch']),
    issuedMs: Number(row['issued_ms']),
    untilMs: Number(row['until_ms']),
    hash: text(row['head_hash']),
  };
}

function recordOf(row: Row): KeptRecord {
  return {
    user: parseUsername(text(row['user'])),
    pkhh: parsePkhh(text(row['pkhh'])),
    officer: text(row['officer']),
    sha256: text(row['sha256']),
    spki: bytes(row['public_key']),
    cardKey: blob(row['card_key']),
    label: text(row['label']),
    number: Number(row['number']),
    notBeforeMs: Number(row['not_before_ms']),
    notAfterMs: Number(row['not_after_ms']),
    lineHash: bytes(row['line_hash']),
    forLogin: row['for_login'] === 1,
    inScope: row['in_scope'] === 1,
    binds: row['binds'] === 1,
    present: row['present'] === 1,
    revoked: row['revoked'] !== 0,
    denied: row['denied'] !== 0,
  };
}

function lineOf(row: Row): KeptLine {
  return { name: text(row['name']), present: row['present'] === 1 };
}

/** With what stands against each, in one statement: a statement costs more than what it finds. */
const RECORDS = `SELECT *,
    EXISTS (SELECT 1 FROM book_revoked WHERE name IN (sha256, pkhh, '#' || number)) AS revoked,
    EXISTS (SELECT 1 FROM book_denied AS no WHERE no.user = book_record.user AND no.pkhh = book_record.pkhh) AS denied
  FROM book_record`;
const RECORDS_OF = `${RECORDS} WHERE user = ? ORDER BY pkhh, number DESC`;
const RECORDS_BY_KEY = `${RECORDS} WHERE pkhh = ? ORDER BY user, number DESC`;
const RECORD_PAGE = `${RECORDS} WHERE (user, pkhh, officer) > (?, ?, ?) ORDER BY user, pkhh, officer LIMIT ?`;
const LINE_PAGE =
  'SELECT lower(hex(line_hash)) AS name, present FROM book_record WHERE line_hash > ? ORDER BY line_hash LIMIT ?';

export class SqliteBook implements BookTable {
  readonly #state: StateDatabase;

  constructor(state: StateDatabase) {
    this.#state = state;
  }

  head(): BookHead | null {
    return this.#state.one(headOf, 'SELECT * FROM book_state WHERE epoch > 0');
  }

  setHead({ epoch, issuedMs, untilMs, hash }: BookHead): void {
    // Never back, whoever asks.
    this.#state.run(
      'UPDATE book_state SET epoch = ?, issued_ms = ?, until_ms = ?, head_hash = ? WHERE epoch < ?',
      ...[epoch, issuedMs, untilMs, hash, epoch],
    );
  }

  newestMs(): number {
    return this.#state.one((row) => Number(row['newest_ms']), 'SELECT newest_ms FROM book_state') ?? 0;
  }

  noteNewest(ms: number): void {
    this.#state.run('UPDATE book_state SET newest_ms = max(newest_ms, ?)', ms);
  }

  setPins(pins: string, realm: string): boolean {
    const before = this.#state.one((row) => row, 'SELECT pins, realm FROM book_state');
    if (before?.['pins'] === pins && before['realm'] === realm) return false;
    this.#state.write((database) => {
      database.exec('DELETE FROM book_officer; DELETE FROM book_record;');
      const isOther = before?.['realm'] !== realm;
      if (isOther) database.exec('DELETE FROM book_state');
      database
        .prepare(
          `INSERT INTO book_state (one, pins, realm, epoch, issued_ms, until_ms, head_hash, newest_ms)
             VALUES (1, ?, ?, 0, 0, 0, '', 0) ON CONFLICT DO UPDATE SET pins = excluded.pins`,
        )
        .run(pins, realm);
    });
    return true;
  }

  officers(): BookOfficer[] {
    return this.#state.all(officerOf, 'SELECT * FROM book_officer ORDER BY sha256');
  }

  keepOfficer(one: BookOfficer): boolean {
    const [names, hosts] = [one.groups, one.hosts].map((list) => JSON.stringify(list));
    return (
      this.#state.run(
        `INSERT INTO book_officer
             (sha256, pkhh, spki, role, name, groups, hosts, not_before_ms, not_after_ms, number, pinned)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET role = excluded.role, name = excluded.name, groups = excluded.groups,
             hosts = excluded.hosts, not_before_ms = excluded.not_before_ms,
             not_after_ms = excluded.not_after_ms, number = excluded.number, pinned = excluded.pinned
           WHERE excluded.number > book_officer.number`,
        ...[one.sha256, one.pkhh, one.spki, one.role, one.name, names ?? '', hosts ?? ''],
        ...[one.notBeforeMs, one.notAfterMs, one.number, one.pinned ? 1 : 0],
      ) > 0
    );
  }

  linePage(after: string | null, count: number): KeptLine[] {
    return this.#state.all(lineOf, LINE_PAGE, Buffer.from(after ?? '', 'hex'), count);
  }

  keepRecords(records: readonly BookRecord[]): number {
    return this.#state.write((database) => {
      const keep = this.#state.query(
        database,
        `INSERT INTO book_record (user, pkhh, officer, sha256, public_key, card_key, label, number, not_before_ms,
             not_after_ms, line_hash, for_login, in_scope, binds, present)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?13, ?12 * ?13, 1)
           ON CONFLICT DO UPDATE SET sha256 = excluded.sha256, public_key = excluded.public_key,
             card_key = excluded.card_key, label = excluded.label, number = excluded.number,
             not_before_ms = excluded.not_before_ms, not_after_ms = excluded.not_after_ms,
             line_hash = excluded.line_hash, for_login = excluded.for_login, in_scope = excluded.in_scope,
             binds = max(book_record.binds, excluded.binds), present = 1
           WHERE excluded.number > book_record.number`,
      );
      let kept = 0;
      for (const one of records) {
        const { changes } = keep.run(
          ...[one.user, one.pkhh, one.officer, one.sha256, one.spki, one.cardKey, one.label, one.number],
          ...[one.notBeforeMs, one.notAfterMs, one.lineHash, one.forLogin ? 1 : 0, one.inScope ? 1 : 0],
        );
        kept += Number(changes);
      }
      return kept;
    });
  }

  records(): number {
    return this.#state.one((row) => Number(row['n']), 'SELECT count(*) AS n FROM book_record') ?? 0;
  }

  recordPage(after: RecordPlace | null, count: number): KeptRecord[] {
    const { user = '', pkhh = '', officer = '' } = after ?? {};
    return this.#state.all(recordOf, RECORD_PAGE, user, pkhh, officer, count);
  }

  recordsOf(user: Username): KeptRecord[] {
    return this.#state.all(recordOf, RECORDS_OF, user);
  }

  recordsByKey(pkhh: Pkhh): KeptRecord[] {
    return this.#state.all(recordOf, RECORDS_BY_KEY, pkhh);
  }

  markLines(names: readonly string[], present: boolean): number {
    const value = present ? 1 : 0;
    return this.#state.write((database) => {
      const mark = this.#state.query(
        database,
        'UPDATE book_record SET present = ? WHERE line_hash = ? AND present <> ?',
      );
      let changed = 0;
      for (const name of names) changed += Number(mark.run(value, Buffer.from(name, 'hex'), value).changes);
      return changed;
    });
  }

  markScope({ user, pkhh, officer }: RecordPlace, inScope: boolean): void {
    this.#state.run(
      `UPDATE book_record SET in_scope = ?1, binds = max(binds, ?1 * for_login)
         WHERE user = ?2 AND pkhh = ?3 AND officer = ?4`,
      ...[inScope ? 1 : 0, user, pkhh, officer],
    );
  }

  revoke(names: readonly string[]): number {
    return this.#state.write((database) => {
      const add = this.#state.query(database, 'INSERT OR IGNORE INTO book_revoked (name) VALUES (?)');
      let added = 0;
      for (const name of names) added += Number(add.run(name).changes);
      return added;
    });
  }

  isRevoked(names: readonly string[]): boolean {
    const sql = 'SELECT 1 FROM book_revoked WHERE name = ?';
    return names.some((name) => this.#state.one(() => true, sql, name) !== null);
  }

  deny(user: Username, pkhh: Pkhh): void {
    this.#state.run('INSERT OR IGNORE INTO book_denied (user, pkhh) VALUES (?, ?)', user, pkhh);
  }

  undeny(user: Username, pkhh: Pkhh): void {
    this.#state.run('DELETE FROM book_denied WHERE user = ? AND pkhh = ?', user, pkhh);
  }

  usesOf(user: Username): ReadonlyMap<Pkhh, number> {
    return new Map(this.#state.all(useOf, 'SELECT pkhh, used_at_ms FROM book_use WHERE user = ?', user));
  }

  noteBookUse(user: Username, pkhh: Pkhh, atMs: number): void {
    this.#state.run(
      `INSERT INTO book_use (user, pkhh, used_at_ms) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET used_at_ms = excluded.used_at_ms`,
      ...[user, pkhh, atMs],
    );
  }
}
