// The file that scauthd reads: replaced as a whole by rename, so that there is always one that is complete. It is read by
// scauthd, which is root without the right to pass over modes, so everybody may read it; it holds nothing secret.

import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { openRegular } from '../base/regular-file.ts';
import { closing, readAtMost } from '../base/open-file.ts';
import { replaceFile } from '../base/replace-file.ts';
import { MAX_BOOK_BYTES } from '../model/book/limits.ts';
import { EMPTY_BOOK, readBook, type Book } from './book.ts';

export class BookFile {
  readonly #path: string;
  /** SHA-256 of what is there, and which file that is. */
  #written: string | null;
  #identity: string | null;

  /** @param folder of which nobody else may be the owner */
  constructor(folder: string) {
    this.#path = join(folder, 'book');
    const bytes = readSmall(this.#path);
    this.#written = bytes === null ? null : hashOf(bytes);
    this.#identity = identityOf(this.#path);
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
    // An older one may have come into its place, as from a backup.
    if (hash === this.#written && identityOf(this.#path) === this.#identity) return false;
    replaceFile(this.#path, bytes, 0o644);
    this.#written = hash;
    this.#identity = identityOf(this.#path);
    return true;
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** null when there is none. */
function identityOf(path: string): string | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return null;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** null when there is none, or none that we could have written. */
function readSmall(path: string): Buffer | null {
  const fd = openRegular(path, () => null);
  return fd === null ? null : closing(fd, () => readAtMost(fd, MAX_BOOK_BYTES));
}
