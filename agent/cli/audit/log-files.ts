// The files of an audit log, oldest first (what logrotate put aside, compressed or not, then the log itself), read in
// blocks of whole lines: a log of any size costs the same memory. Nothing is believed here.

import { closeSync, createReadStream, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { openRegular } from '../../base/regular-file.ts';
import { file as say } from '../../words/audit-log.ts';
import { CommandError } from '../exit-codes.ts';

export const BLOCK_BYTES = 1 << 20;
export const NEWLINE = 0x0a;

export interface LogFile {
  readonly path: string;
  /** As it lies on the disk. */
  readonly bytes: number;
  /** Keeps its number when logrotate gives it another name. */
  readonly inode: number;
}

/** How far a reader has come, in bytes on the disk. */
export type Progress = (bytes: number) => void;

/** Place in time by name: logrotate's dates rise, its numbers fall. */
function orderOf(suffix: string): number {
  const number = Number(/\d+/.exec(suffix)?.[0] ?? 0);
  return suffix.startsWith('-') ? number - 1e15 : -number;
}

/**
 * @param path the log; files that logrotate made out of it are found beside it
 * @throws CommandError `not-allowed` (only root reads it), `no-record` (there is none)
 */
export function logFiles(path: string): LogFile[] {
  try {
    const name = basename(path);
    const rotated = readdirSync(dirname(path))
      .filter((file) => file.startsWith(name))
      .map((file) => file.slice(name.length))
      .filter((suffix) => /^[.-]\d{1,14}(\.(gz|zst|xz|bz2))?$/.test(suffix))
      .sort((a, b) => orderOf(a) - orderOf(b))
      .map((suffix) => join(dirname(path), name + suffix));
    const live = statSync(path, { throwIfNoEntry: false }) === undefined ? [] : [path];
    const files = [...rotated, ...live].map((file) => {
      const { size, ino } = statSync(file);
      return { path: file, bytes: size, inode: ino };
    });
    if (files.length > 0) return files;
  } catch (error) {
    throw unreadable(path, error);
  }
  throw new CommandError('no-record', say.noLog(path));
}

export function unreadable(path: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new CommandError('not-allowed', say.rootOnly(path), error);
  }
  if (code === 'ENOENT') {
    return new CommandError('no-record', say.noLog(path), error);
  }
  return new CommandError('internal', say.unreadable(path, code), error);
}

/** Collects bytes and gives them back as blocks of whole lines; the memory of a block is used again. */
class Blocks {
  readonly #buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  #length = 0;

  /** Room for the next bytes. */
  get room(): Buffer {
    return this.#buffer.subarray(this.#length);
  }

  /** @returns the whole lines that are there now; a line that fills the block comes in pieces */
  take(added: number): Buffer | null {
    this.#length += added;
    const end = this.#buffer.subarray(0, this.#length).lastIndexOf(NEWLINE) + 1;
    if (end > 0) return this.#buffer.subarray(0, end);
    return this.#length === this.#buffer.length ? this.#buffer : null;
  }

  drop(bytes: number): void {
    this.#buffer.copyWithin(0, bytes, this.#length);
    this.#length -= bytes;
  }

  get rest(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** @throws CommandError `not-allowed`, for what is no regular file; Error of open(2) */
export function openLog(path: string): number {
  return openRegular(path, (why, error) => {
    throw why === 'not-regular' ? new CommandError('not-allowed', say.notRegular(path)) : error;
  });
}

async function* plainBlocks(path: string, progress: Progress): AsyncGenerator<Buffer> {
  const fd = openLog(path);
  try {
    const blocks = new Blocks();
    let done = 0;
    for (let turn = 0; ; turn += 1) {
      const got = readSync(fd, blocks.room, 0, blocks.room.length, null);
      if (got === 0) break;
      const block = blocks.take(got);
      if (block !== null) {
        yield block;
        blocks.drop(block.length);
      }
      progress((done += got));
      if (turn % 8 === 7) await new Promise(setImmediate);
    }
    if (blocks.rest.length > 0) yield blocks.rest;
  } finally {
    closeSync(fd);
  }
}

async function* unpackedBlocks(path: string, progress: Progress): AsyncGenerator<Buffer> {
  const file = createReadStream('', { fd: openLog(path) });
  const unpacked = path.endsWith('.gz') ? createGunzip() : createZstdDecompress();
  file.on('error', (error) => unpacked.destroy(error));
  file.pipe(unpacked);
  try {
    const blocks = new Blocks();
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        const copied = chunk.copy(blocks.room, 0, at);
        at += copied;
        const block = blocks.take(copied);
        if (block === null) continue;
        yield block;
        blocks.drop(block.length);
      }
      progress(file.bytesRead);
    }
    if (blocks.rest.length > 0) yield blocks.rest;
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

/** It can be read from its beginning alone. */
export function isPacked(path: string): boolean {
  return /\.(gz|zst|xz|bz2)$/.test(path);
}

/**
 * Blocks of whole lines; only the last one may end within a line. A block is good until the next one is asked for.
 * @throws CommandError `not-allowed`, `no-record`, `internal`
 */
export async function* readBlocks(
  path: string,
  progress: Progress = () => undefined,
): AsyncGenerator<Buffer> {
  if (/\.(xz|bz2)$/.test(path)) {
    throw new CommandError('internal', say.packed(path));
  }
  try {
    yield* isPacked(path) ? unpackedBlocks(path, progress) : plainBlocks(path, progress);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Each line of a block without its newline; `whole` is false for a rest that has none. */
export function eachLine(block: Buffer, act: (line: Buffer, whole: boolean) => void): void {
  let at = 0;
  for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, at)) {
    act(block.subarray(at, end), true);
    at = end + 1;
  }
  if (at < block.length) act(block.subarray(at), false);
}
