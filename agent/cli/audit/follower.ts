// What is written to a log from now on, over logrotate's change of files.

import { closeSync, fstatSync, readSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { openRegular } from '../../base/regular-file.ts';
import type { CommandContext } from '../context.ts';
import { SilentEnd } from '../exit-codes.ts';
import { NEWLINE, unreadable } from './log-files.ts';

const LOOK_EVERY_MS = 250;
const CHUNK_BYTES = 1 << 16;

/** What is written to the file of this name from now on. */
export class Follower {
  readonly #path: string;
  readonly #act: (block: Buffer) => void;
  #fd: number | null = null;
  #at = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string, act: (block: Buffer) => void) {
    this.#path = path;
    this.#act = act;
    this.#open();
    if (this.#fd !== null) this.#at = endOfLines(this.#fd);
  }

  /** Where it begins: the file's inode, and its whole lines in bytes; null where there is no file yet. */
  get place(): { readonly inode: number; readonly offset: number } | null {
    return this.#fd === null ? null : { inode: fstatSync(this.#fd).ino, offset: this.#at };
  }

  /** Goes on until whoever reads our output is gone. @throws SilentEnd `reader-gone`; CommandError of reading */
  async follow(context: CommandContext): Promise<never> {
    const gone = new AbortController();
    const timer = setInterval(() => {
      try {
        this.look();
        if (context.readerGone?.() === true) gone.abort(new SilentEnd('reader-gone'));
      } catch (error) {
        gone.abort(error);
      }
    }, LOOK_EVERY_MS);
    try {
      if (!gone.signal.aborted) await once(gone.signal, 'abort');
      throw gone.signal.reason;
    } finally {
      clearInterval(timer);
      this.close();
    }
  }

  #open(): void {
    this.#fd = openRegular(this.#path, (why, error) => {
      if (why === 'missing') return null;
      throw unreadable(this.#path, error);
    });
    this.#at = 0;
  }

  /** Reads what is there; the old file to its end before the new one. */
  look(): void {
    this.#drain();
    const named = statSync(this.#path, { throwIfNoEntry: false });
    if (named === undefined) return;
    if (this.#fd !== null) {
      const opened = fstatSync(this.#fd);
      if (opened.ino === named.ino && opened.dev === named.dev) {
        if (opened.size < this.#at) this.#at = 0;
        return;
      }
      this.#drain();
      this.close();
    }
    this.#open();
    this.#drain();
  }

  #drain(): void {
    if (this.#fd === null) return;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let got = -1; got !== 0;) {
      got = readSync(this.#fd, chunk, 0, chunk.length, this.#at);
      this.#at += got;
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, got)]);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      if (end > 0) this.#act(bytes.subarray(0, end));
      // A line without an end does not grow for ever here.
      this.#rest = bytes.length - end > 16 * CHUNK_BYTES ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#rest = Buffer.alloc(0);
  }
}

/** Where its last whole line ends: a line that is being written comes when it is whole. */
function endOfLines(fd: number): number {
  const { size } = fstatSync(fd);
  const chunk = Buffer.alloc(Math.min(size, CHUNK_BYTES));
  const got = readSync(fd, chunk, 0, chunk.length, size - chunk.length);
  const end = chunk.subarray(0, got).lastIndexOf(NEWLINE) + 1;
  return end === 0 ? size : size - chunk.length + end;
}
