// Records from the lines of a book, in slices: a line that was verified before is not verified again, one whose officer may
// not sign here is not verified at all, and the rows are written two hundred at a time.

import { createHash } from 'node:crypto';
import { Slices, rowsBehind } from '../base/slices.ts';
import { keyNames, parseRecordBody } from '../model/book/book-body.ts';
import type { BookOfficer, BookRecord } from '../model/book/book-state.ts';
import { isSignedItem, parseBookLine } from '../model/book/book.ts';
import { MAX_BOOK_RECORDS } from '../model/book/limits.ts';
import type { Username } from '../model/request.ts';
import type { AccountDirectory } from '../model/account.ts';
import { nameOfKey, OfficerKeys, taken, usableOfficers, type TakingParts } from './take-officers.ts';

/** Rows in one transaction. */
const AT_ONCE = 200;

type Directory = Pick<AccountDirectory, 'isMember' | 'isRoot'>;

export interface RecordParts extends TakingParts {
  readonly directory: Directory;
}

/**
 * By what root is known, whom `*` leaves out. A book names 100,000 people, of whom most never log in here: the uid of an
 * account is asked for before it does.
 */
export type RootKnown = 'by-name' | 'by-uid';

/** Whether an officer may pair this account, by the name service; in doubt not. */
export class Scope {
  readonly #directory: Directory;
  readonly #rootKnown: RootKnown;
  readonly #known = new Map<string, boolean>();

  constructor(directory: Directory, rootKnown: RootKnown) {
    this.#directory = directory;
    this.#rootKnown = rootKnown;
  }

  async holds(user: Username, groups: readonly string[]): Promise<boolean> {
    if (groups.includes('*') && !(await this.#isRoot(user))) return true;
    for (const group of groups) {
      if (group === '*') continue;
      const name = `${user} ${group}`;
      const isMember =
        this.#known.get(name) ?? (await this.#directory.isMember(user, group).catch(() => null)) === true;
      if (this.#known.size < MAX_BOOK_RECORDS) this.#known.set(name, isMember);
      if (isMember) return true;
    }
    return false;
  }

  async #isRoot(user: Username): Promise<boolean> {
    if (user === 'root' || this.#rootKnown === 'by-name') return user === 'root';
    return (await this.#directory.isRoot(user).catch(() => true)) !== false;
  }
}

/** Which lines a book has, by 48 bits of their hashes: a chance likeness keeps a row that has gone, and adds none. */
class SeenLines {
  readonly #seen = new Set<number>();

  add(hash: Buffer): void {
    this.#seen.add(hash.readUIntBE(0, 6));
  }

  has(hash: Buffer): boolean {
    return this.#seen.has(hash.readUIntBE(0, 6));
  }
}

export interface TakenRecords {
  /** Verified now, and new or with a higher number. */
  readonly added: number;
  /** That the book no longer has. */
  readonly gone: number;
}

/** @throws AgentError `malformed` (too many wrong signatures: what is kept stays), and as the table and `lines` */
export async function takeRecords(lines: AsyncIterable<string[]>, parts: RecordParts): Promise<TakenRecords> {
  const { table, pins, nowMs, problem } = parts;
  const officers = usableOfficers(parts, 'officer');
  const keys = new OfficerKeys();
  const scope = new Scope(parts.directory, 'by-name');
  const slices = new Slices();
  const seen = new SeenLines();
  let waiting: BookRecord[] = [];
  let added = 0;
  let room = MAX_BOOK_RECORDS - table.records();
  const flush = (): void => {
    if (waiting.length === 0) return;
    added += table.keepRecords(waiting);
    room -= waiting.length;
    waiting = [];
  };
  for await (const some of lines)
    for (const text of some) {
      await slices.giveWay();
      if (!text.startsWith('scauth-book 1 record ')) continue;
      const lineHash = createHash('sha256').update(text, 'latin1').digest();
      if (table.knowsLine(lineHash)) {
        seen.add(lineHash);
        continue;
      }
      const record = verified(text, lineHash, officers, keys, parts);
      if (record === null || record.realm !== pins.realm || record.said.notAfterMs <= nowMs) continue;
      if (room - waiting.length <= 0) {
        problem(`the book has more than ${MAX_BOOK_RECORDS} records for this machine`);
        break;
      }
      const { said, officer } = record;
      waiting.push({ ...said, inScope: await scope.holds(said.user, officer.groups) });
      seen.add(lineHash);
      if (waiting.length >= AT_ONCE) flush();
    }
  flush();
  return { added, gone: await compare(seen, parts) };
}

function verified(
  text: string,
  lineHash: Buffer,
  officers: ReadonlyMap<string, BookOfficer>,
  keys: OfficerKeys,
  { faults }: RecordParts,
): { realm: string; said: Omit<BookRecord, 'inScope'>; officer: BookOfficer } | null {
  const line = parseBookLine(text);
  const [signature, ...more] = line?.signatures ?? [];
  if (line?.kind !== 'record' || signature === undefined || more.length > 0) return null;
  const officer = officers.get(nameOfKey(signature.spki));
  const key = officer === undefined ? null : keys.of(officer.sha256, officer.spki);
  if (officer === undefined || key === null) return null;
  if (!isSignedItem(line, signature, key)) {
    faults.fault();
    return null;
  }
  const body = taken(() => parseRecordBody(line.body));
  const names = body && taken(() => keyNames(body.key));
  if (body === undefined || names === undefined) return null;
  const { user, key: spki, cardKey, label, number, uses } = body;
  const times = { notBeforeMs: body.notBefore * 1000, notAfterMs: body.notAfter * 1000 };
  const said = { user, ...names, spki, cardKey, label, number, ...times, officer: officer.sha256 };
  return { realm: body.realm, officer, said: { ...said, lineHash, forLogin: uses.includes('login') } };
}

/** Marks the rows that have gone from the book, and those that are back. @returns how many went */
async function compare(seen: SeenLines, { table }: RecordParts): Promise<number> {
  const slices = new Slices();
  let gone = 0;
  let waiting: Parameters<typeof table.markRecords>[0][number][] = [];
  const rows = rowsBehind(
    null,
    (after: Parameters<typeof table.recordPage>[0], count) => table.recordPage(after, count),
    (row) => row,
  );
  for (const { one } of rows) {
    await slices.giveWay();
    const present = seen.has(one.lineHash);
    if (present === one.present) continue;
    if (!present) gone += 1;
    waiting.push({ ...one, present });
    if (waiting.length < AT_ONCE) continue;
    table.markRecords(waiting);
    waiting = [];
  }
  if (waiting.length > 0) table.markRecords(waiting);
  return gone;
}

/** Asks the name service again who may be paired by whom. */
export async function renewScope(
  user: Username | null,
  parts: Pick<RecordParts, 'table' | 'directory'>,
  rootKnown: RootKnown = 'by-name',
): Promise<void> {
  const { table, directory } = parts;
  const officers = new Map(table.officers().map((one) => [one.sha256, one]));
  const scope = new Scope(directory, rootKnown);
  const slices = new Slices();
  const rows =
    user === null
      ? rowsBehind(
          null,
          (after: Parameters<typeof table.recordPage>[0], count) => table.recordPage(after, count),
          (row) => row,
        )
      : table.recordsOf(user).map((one) => ({ one }));
  for (const { one } of rows) {
    await slices.giveWay();
    const inScope = await scope.holds(one.user, officers.get(one.officer)?.groups ?? []);
    if (inScope !== one.inScope) table.markRecords([{ ...one, inScope }]);
  }
}
