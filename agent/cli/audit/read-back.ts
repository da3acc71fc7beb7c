// Reads a log from its newest record back: a part at a time, so that a list of the last records costs no reading of all. A
// part ends with so many records that fit, or with so many bytes looked at; a place says where the next one goes on.
// Why: DECISIONS.md D289.

import { fstatSync, readSync } from 'node:fs';
import { closing } from '../../base/open-file.ts';
import { timeOf } from '../../model/sealed-log/sealed-line.ts';
import { file as say, usage } from '../../words/audit-log.ts';
import { CommandError } from '../exit-codes.ts';
import {
  BLOCK_BYTES,
  isPacked,
  logFiles,
  NEWLINE,
  openLog,
  readBlocks,
  unreadable,
  type LogFile,
} from './log-files.ts';
import type { Query } from './query.ts';
import type { AuditRecord } from './record.ts';

/** Of a part: a quarter of a second to a second, also where nothing fits. */
const MAX_LOOKED_AT = 256 * 1024 * 1024;
/** A clock that is set back leaves records that are older than those before them, mostly by less than that. */
const CLOCK_MS = 86_400_000;

/** What stands before it is meant. `offset` is in bytes, unpacked; null: the file's end. */
export interface Place {
  readonly inode: number;
  readonly offset: number | null;
}

export interface Found {
  readonly record: AuditRecord;
  readonly line: Buffer;
}

export interface Part {
  /** The newest first. */
  readonly found: readonly Found[];
  /** Where the part before it ends; null: the log begins here, or all before is older than what is asked for. */
  readonly older: Place | null;
  /** All that fits and is as new is in this part or one before; null: nothing was looked at. */
  readonly backToMs: number | null;
  /** Lines that are no record. */
  readonly unread: number;
}

export function placeText({ inode, offset }: Place): string {
  return `${inode}.${offset ?? 'end'}`;
}

/** @throws CommandError `usage` */
export function parsePlace(text: string): Place {
  const [, inode, offset] = /^(\d{1,15})\.(\d{1,15}|end)$/.exec(text) ?? [];
  if (inode === undefined) throw new CommandError('usage', usage.before);
  return { inode: Number(inode), offset: offset === 'end' ? null : Number(offset) };
}

interface Reading {
  readonly query: Query;
  readonly wanted: number;
  readonly found: Found[];
  /** Of the oldest record that was looked at. */
  backToMs: number | null;
  unread: number;
  lookedAt: number;
  /** What is before is older than all that is asked for. */
  isOver: boolean;
}

/** The records of a block of whole lines that fit, with their places in it; oldest first. */
function fitting(block: Buffer, to: Reading): (Found & { readonly at: number })[] {
  const found: (Found & { readonly at: number })[] = [];
  to.unread += to.query.inBlock(block, (record, line) => {
    found.push({ record, line: Buffer.from(line), at: line.byteOffset - block.byteOffset });
  });
  const newest = timeOf(block.subarray(block.lastIndexOf(NEWLINE, -2) + 1));
  const oldest = timeOf(block.subarray(0, block.indexOf(NEWLINE)));
  to.backToMs = oldest ?? to.backToMs;
  const before = to.query.sinceMs - CLOCK_MS;
  to.isOver = newest !== null && oldest !== null && newest < before && oldest < before;
  return found;
}

/** Puts the newest of them behind what was found. @returns the place of the last one for which there was room; null: for all */
function take(some: readonly (Found & { readonly at: number })[], to: Reading): number | null {
  const room = to.wanted - to.found.length;
  const last = some.slice(Math.max(0, some.length - room));
  to.found.push(...last.reverse());
  if (to.found.length < to.wanted) return null;
  const { at } = last.at(-1) ?? { at: 0 };
  to.backToMs = to.found.at(-1)?.record.timeMs ?? to.backToMs;
  return at;
}

/** From the end. @returns the offset up to which there was no room or time; 0: the file is done */
function plainBack({ path }: LogFile, end: number | null, to: Reading): number {
  return closing(openLog(path), (fd) => {
    const { size } = fstatSync(fd);
    const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
    let at = Math.min(end ?? size, size);
    while (at > 0 && !to.isOver) {
      const length = Math.min(at, buffer.length);
      const got = readSync(fd, buffer, 0, length, at - length);
      const bytes = buffer.subarray(0, got);
      // Not the rest of a line that begins in the block before; a block that is all of one line is no record.
      const from = at === length ? 0 : (bytes.indexOf(NEWLINE) + 1) % Math.max(1, got);
      const start = at - length + from;
      to.lookedAt += got - from;
      const rest = take(fitting(bytes.subarray(from), to), to);
      if (rest !== null) return start + rest;
      at = start;
      if (to.lookedAt >= MAX_LOOKED_AT) return at;
    }
    return 0;
  });
}

/** A packed file is read from its beginning, up to `end`. @returns as plainBack */
async function packedBack({ path }: LogFile, end: number | null, to: Reading): Promise<number> {
  let kept: (Found & { readonly at: number })[] = [];
  let offset = 0;
  let beginsMs: number | null = null;
  const room = to.wanted - to.found.length;
  for await (const whole of readBlocks(path)) {
    const block = end === null ? whole : whole.subarray(0, Math.max(0, end - offset));
    if (block.length === 0) break;
    const start = offset;
    kept.push(...fitting(block, to).map((one) => ({ ...one, at: start + one.at })));
    beginsMs ??= to.backToMs;
    if (kept.length > 2 * room) kept = kept.slice(-room);
    offset += block.length;
    to.lookedAt += block.length;
  }
  to.backToMs = beginsMs;
  return take(kept, to) ?? 0;
}

/**
 * @param before null: from the end of the log
 * @throws CommandError `not-allowed`, `no-record` (no log, or the place's file is gone), `internal`
 */
export async function readBack(
  path: string,
  before: Place | null,
  query: Query,
  wanted: number,
): Promise<Part> {
  const files = logFiles(path).reverse();
  const first = before === null ? 0 : files.findIndex(({ inode }) => inode === before.inode);
  if (first < 0) throw new CommandError('no-record', say.placeGone);
  const to: Reading = { query, wanted, found: [], backToMs: null, unread: 0, lookedAt: 0, isOver: false };
  const part = (older: Place | null): Part => ({
    found: to.found,
    older,
    backToMs: to.backToMs,
    unread: to.unread,
  });
  for (const [index, file] of files.slice(first).entries()) {
    const { inode } = file;
    const end = index === 0 ? (before?.offset ?? null) : null;
    if (to.found.length >= wanted || to.lookedAt >= MAX_LOOKED_AT) return part({ inode, offset: end });
    try {
      const rest = isPacked(file.path) ? await packedBack(file, end, to) : plainBack(file, end, to);
      if (to.isOver) return part(null);
      if (rest > 0) return part({ inode, offset: rest });
    } catch (error) {
      // What was found is shown; the file says what is wrong with it when it is asked for by itself.
      if (to.found.length > 0) return part({ inode, offset: end });
      throw unreadable(file.path, error);
    }
  }
  return part(null);
}
