// Records from the lines of a book, in slices: a line that was verified before is not verified again, one whose officer may
// not sign here is not verified at all, and the rows are written two hundred at a time.

import { hash } from 'node:crypto';
import { Slices, rowsBehind } from '../base/slices.ts';
import { keyNames, parseRecordBody } from '../model/book/book-body.ts';
import type { BookOfficer, BookRecord } from '../model/book/book-state.ts';
import { isSignedItem, parseBookLine } from '../model/book/book.ts';
import { MAX_BOOK_RECORDS } from '../model/book/limits.ts';
import type { Username } from '../model/request.ts';
import type { AccountDirectory } from '../model/account.ts';
import type { BookTable } from '../store/interface.ts';
import { nameOfKey, OfficerKeys, taken, type TakingParts } from './signed-lines.ts';
import { usableOfficers } from './take-officers.ts';

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
type RootKnown = 'by-name' | 'by-uid';

/** Whether an officer may pair this account, by the name service; in doubt not. */
class Scope {
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

/** Of a line: that it is kept and in the book, that it is kept and was not in the book, that this book has it. */
type Standing = 'kept' | 'gone' | 'here';

/** The lines that are kept, by their hashes, read once: to ask for each costs as much as to write it. */
async function keptLines(table: Pick<BookTable, 'linePage'>): Promise<Map<string, Standing>> {
  const slices = new Slices();
  const kept = new Map<string, Standing>();
  const rows = rowsBehind(
    null,
    (after: string | null, count) => table.linePage(after, count),
    ({ name }) => name,
  );
  for (const { one } of rows) {
    await slices.giveWay();
    kept.set(one.name, one.present ? 'kept' : 'gone');
  }
  return kept;
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
  const standing = await keptLines(table);
  const back: string[] = [];
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
      const name = hash('sha256', text);
      const before = standing.get(name);
      if (before === 'gone') back.push(name);
      if (before !== undefined) {
        standing.set(name, 'here');
        continue;
      }
      if (room - waiting.length <= 0) {
        problem(`the book has more than ${MAX_BOOK_RECORDS} records for this machine`);
        continue;
      }
      const record = verified(text, Buffer.from(name, 'hex'), officers, keys, parts);
      if (record === null) continue;
      // One that stands there again, or changes nothing, is not verified again.
      standing.set(name, 'here');
      if (record.realm !== pins.realm || record.said.notAfterMs <= nowMs) continue;
      const { said, officer } = record;
      waiting.push({ ...said, inScope: await scope.holds(said.user, officer.groups) });
      if (waiting.length >= AT_ONCE) flush();
    }
  flush();
  const gone: string[] = [];
  for (const [name, is] of standing) {
    await slices.giveWay();
    if (is === 'kept') gone.push(name);
  }
  await mark(back, true, table);
  return { added, gone: await mark(gone, false, table) };
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

/** @returns how many rows it changed */
async function mark(
  lines: readonly string[],
  present: boolean,
  table: Pick<BookTable, 'markLines'>,
): Promise<number> {
  const slices = new Slices();
  let changed = 0;
  for (let at = 0; at < lines.length; at += AT_ONCE) {
    await slices.giveWay();
    changed += table.markLines(lines.slice(at, at + AT_ONCE), present);
  }
  return changed;
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
    if (inScope !== one.inScope) table.markScope(one, inScope);
  }
}
