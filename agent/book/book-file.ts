// The file that somebody without rights has fetched, as untrusted bytes: a regular file, no link at its end, capped, read in
// pieces and never held whole. What is in it is not known here.

import { closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { AgentError } from '../base/errors.ts';
import { openRegular } from '../base/regular-file.ts';
import { MAX_BOOK_BYTES, MAX_BOOK_LINE } from '../model/book/limits.ts';

/** Further lines are not read, whatever they are. */
export const MAX_BOOK_LINES = 1_000_000;
const PIECE = 64 * 1024;
const LINE_BREAK = 0x0a;
const readAt = promisify(read);

export class BookFile {
  readonly #fd: number;
  /** Which file, and as it was when it was opened. */
  readonly identity: string;

  private constructor(fd: number, identity: string) {
    this.#fd = fd;
    this.identity = identity;
  }

  /**
   * @returns null when there is none
   * @throws AgentError `not-allowed` for what is no regular file, `malformed` for one that is too long; the file system's own error
   */
  static open(path: string): BookFile | null {
    const fd = openRegular(path, (why, error) => {
      if (why === 'missing' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return null;
      if (why === 'unreadable') throw error;
      const what = why === 'link' ? 'a symbolic link' : 'not a regular file';
      throw new AgentError('not-allowed', { detail: `the book is ${what}`, cause: error });
    });
    if (fd === null) return null;
    const stats = fstatSync(fd, { bigint: true });
    const file = new BookFile(
      fd,
      `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`,
    );
    if (stats.size <= MAX_BOOK_BYTES) return file;
    file.close();
    throw new AgentError('malformed', { detail: `the book is longer than ${MAX_BOOK_BYTES} bytes` });
  }

  /**
   * The lines from the beginning, a few at a time; what is too long, or has no end, is left out.
   * @throws AgentError `malformed` for a file that grew past what may be read; the file system's own error
   */
  async *lines(): AsyncGenerator<string[]> {
    const piece = Buffer.alloc(PIECE);
    let rest = Buffer.alloc(0);
    let isTooLong = false;
    let count = 0;
    for (let at = 0; ;) {
      const { bytesRead } = await readAt(this.#fd, piece, 0, PIECE, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      if (at > MAX_BOOK_BYTES) throw new AgentError('malformed', { detail: 'the book has no end' });
      const lines: string[] = [];
      let begin = 0;
      for (
        let end: number;
        (end = piece.subarray(0, bytesRead).indexOf(LINE_BREAK, begin)) >= 0;
        begin = end + 1
      ) {
        const length = rest.length + end - begin;
        if (!isTooLong && length > 0 && length <= MAX_BOOK_LINE)
          lines.push(`${rest.toString('latin1')}${piece.toString('latin1', begin, end)}`);
        rest = Buffer.alloc(0);
        isTooLong = false;
        count += 1;
        if (count > MAX_BOOK_LINES)
          throw new AgentError('malformed', { detail: `the book has more than ${MAX_BOOK_LINES} lines` });
      }
      if (!isTooLong) rest = Buffer.concat([rest, piece.subarray(begin, bytesRead)]);
      if (rest.length > MAX_BOOK_LINE) {
        rest = Buffer.alloc(0);
        isTooLong = true;
      }
      yield lines;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
