// The file that scauthd reads: replaced as a whole by rename, so that there is always one that is complete. It is read by
// scauthd, which is root without the right to pass over modes, so everybody may read it; it holds nothing secret.

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { openRegular } from '../base/regular-file.ts';
import { MAX_BOOK_BYTES } from '../model/book/limits.ts';
import { EMPTY_BOOK, readBook, type Book } from './book.ts';

export class BookFile {
  readonly #path: string;
  /** SHA-256 of what is there. */
  #written: string | null;

  /** @param folder of which nobody else may be the owner */
  constructor(folder: string) {
    this.#path = join(folder, 'book');
    const bytes = readSmall(this.#path);
    this.#written = bytes === null ? null : hashOf(bytes);
  }

  /** What was there when we started: kept until each source has answered once. */
  atStart(): Book {
    const bytes = readSmall(this.#path);
    return bytes === null ? EMPTY_BOOK : readBook(bytes.toString('latin1')).made();
  }

  /**
   * @returns false where the file has these bytes already
   * @throws the file system's error; the old file stays
   */
  write(bytes: Buffer): boolean {
    const hash = hashOf(bytes);
    if (hash === this.#written) return false;
    const beside = `${this.#path}.new`;
    try {
      rmSync(beside, { force: true });
      const fd = openSync(
        beside,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o644,
      );
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(beside, this.#path);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    syncFolder(dirname(this.#path));
    this.#written = hash;
    return true;
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** null when there is none, or none that we could have written. */
function readSmall(path: string): Buffer | null {
  const fd = openRegular(path, () => null);
  if (fd === null) return null;
  try {
    return fstatSync(fd).size <= MAX_BOOK_BYTES ? readFileSync(fd) : null;
  } finally {
    closeSync(fd);
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
