// Where the chain stands when a log is opened: the state of the seal, walked on over the records that were written after
// it was saved; and what is wrong at the end of the file. Records before the state are `sc_auth audit verify`'s.

import { fstatSync, ftruncateSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openRegular } from '../base/regular-file.ts';
import { closing } from '../base/open-file.ts';
import { parseSealedLine, sealOf, stepKey } from '../model/sealed-log/sealed-line.ts';
import type { GapEvent, GapReason } from '../model/sealed-log/audit-event.ts';
import type { SealState } from '../model/sealed-log/seal-state.ts';

/** First look at the end of a file; doubled until the records after the state are in it. */
const TAIL_BYTES = 256 * 1024;
const MAX_TAIL_BYTES = 512 * 1024 * 1024;

export interface Recovered {
  readonly state: SealState;
  readonly gaps: readonly GapEvent[];
}

export function gap(
  reason: GapReason,
  count: number | null,
  fromMs: number | null,
  toMs: number | null,
): GapEvent {
  return { kind: 'gap', reason, count, fromMs, toMs };
}

/** The last bytes of a file, from the beginning of a line on. */
function tailOf(fd: number, size: number, bytes: number): Buffer {
  const from = Math.max(0, size - bytes);
  const buffer = Buffer.alloc(size - from);
  let length = 0;
  for (let got = -1; got !== 0 && length < buffer.length; length += got) {
    got = readSync(fd, buffer, length, buffer.length - length, from + length);
  }
  const text = buffer.subarray(0, length);
  return from === 0 ? text : text.subarray(text.indexOf(0x0a) + 1);
}

function linesOf(tail: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0, end = tail.indexOf(0x0a); end >= 0; at = end + 1, end = tail.indexOf(0x0a, at)) {
    lines.push(tail.subarray(at, end));
  }
  return lines;
}

/** The complete lines at the end of a file, back to the record `sequence` if it is there. */
function linesBackTo(fd: number, sequence: number): Buffer[] {
  const { size } = fstatSync(fd);
  for (let bytes = TAIL_BYTES; ; bytes *= 4) {
    const lines = linesOf(tailOf(fd, size, bytes));
    const first = lines.map(parseSealedLine).find((line) => line !== null);
    if (bytes >= size || bytes >= MAX_TAIL_BYTES || (first != null && first.sequence <= sequence))
      return lines;
  }
}

/** The file that logrotate made last, if it is not compressed; `any` tells whether there are rotated files at all. */
function lastRotated(path: string): { path: string | null; any: boolean } {
  const name = basename(path);
  const rotated = readdirSync(dirname(path))
    .filter((file) => file.startsWith(`${name}.`) || file.startsWith(`${name}-`))
    .filter((file) => /^[.-]\d+(\.(gz|xz|zst|bz2))?$/.test(file.slice(name.length)))
    .map((file) => join(dirname(path), file));
  const plain = rotated
    .filter((file) => /\d$/.test(file))
    .map((file) => ({ file, time: statSync(file).mtimeMs }))
    .sort((a, b) => b.time - a.time);
  return { path: plain[0]?.file ?? null, any: rotated.length > 0 };
}

function rotatedLines(path: string, sequence: number): Buffer[] {
  const fd = openRegular(path, (why, error) => {
    if (why === 'not-regular') return null;
    throw error;
  });
  return fd === null ? [] : closing(fd, () => linesBackTo(fd, sequence));
}

/** Takes away half a line that a crash or a full disk left: nothing was granted on it. @returns its bytes */
export function cutTornLine(fd: number): number {
  const { size } = fstatSync(fd);
  let bytes = 4096;
  let tail = tailBytes(fd, size, bytes);
  while (!tail.includes(0x0a) && bytes < size && bytes < MAX_TAIL_BYTES) {
    bytes *= 4;
    tail = tailBytes(fd, size, bytes);
  }
  const torn = tail.length - 1 - tail.lastIndexOf(0x0a);
  if (torn > 0) ftruncateSync(fd, size - torn);
  return torn;
}

function tailBytes(fd: number, size: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(Math.min(size, bytes));
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
}

/** Walks the chain over `lines` from `state` on. @returns where it ends, and how many lines were not its own */
function walk(state: SealState, lines: readonly Buffer[]): { state: SealState; strange: number } {
  const parsed = lines.map(parseSealedLine);
  // What stands before the state was checked when it was written.
  const known = parsed.findLastIndex((line) => line !== null && line.sequence < state.sequence);
  let at = state;
  let strange = 0;
  for (const line of parsed.slice(known + 1)) {
    const { next, record } = stepKey(at.key);
    const good =
      line !== null &&
      line.sequence === at.sequence &&
      line.prev === at.prev &&
      line.seal === sealOf(record, line.signed);
    record.fill(0);
    if (good) {
      at.key.fill(0);
      at = { sequence: at.sequence + 1, key: next, prev: line.seal, lastMs: line.timeMs };
    } else {
      next.fill(0);
      strange += 1;
    }
  }
  return { state: at, strange };
}

/**
 * @param fd the log, open for reading, without a torn line at its end
 * @param state null when there is none: then the log should be empty
 * @param begin makes a new chain
 */
export function recover(
  path: string,
  fd: number,
  state: SealState | null,
  begin: () => SealState,
): Recovered {
  const { size } = fstatSync(fd);
  const rotated = lastRotated(path);
  if (state === null) {
    const had = size > 0 || rotated.any;
    return { state: begin(), gaps: had ? [gap('seal-lost', null, null, null)] : [] };
  }
  let lines = linesBackTo(fd, state.sequence);
  const sequences = (): number[] => lines.flatMap((line) => parseSealedLine(line)?.sequence ?? []);
  if (rotated.path !== null && !sequences().some((sequence) => sequence <= state.sequence)) {
    lines = [...rotatedLines(rotated.path, state.sequence), ...lines];
  }
  const { state: now, strange } = walk(state, lines);
  const gaps: GapEvent[] = [];
  if (strange > 0) gaps.push(gap('records-altered', strange, state.lastMs, now.lastMs));
  const last = Math.max(-1, ...sequences());
  // A file that logrotate has just emptied or compressed is no loss: the records are in another one.
  const missing = now.sequence - 1 - last;
  if (missing > 0 && !(last === -1 && rotated.any)) {
    gaps.push(gap('records-missing', missing, now.lastMs, null));
  }
  return { state: now, gaps };
}
