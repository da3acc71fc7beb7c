// A book in a folder, or in one file: what Ansible has put there, what was fetched from a mirror, a USB stick. Names are
// those of files: `NAME.book` holds what belongs to a person, `@GROUP.book` to a group; any other `*.book` is for all.

import { closeSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../base/errors.ts';
import { openRegular } from '../base/regular-file.ts';
import { MAX_BOOK_BYTES } from '../model/book/limits.ts';
import { BookMaker, type Book } from './book.ts';
import type { Item } from './item.ts';
import { parseItem } from './item.ts';
import type { BookSource, Wanted } from './source.ts';

const MOST_FILES = 100_000;
const MOST_BYTES = 4 * MAX_BOOK_BYTES;
const CHUNK_BYTES = 256 * 1024;
const SUFFIX = '.book';

interface Found {
  readonly file: string;
  readonly line: string;
}

export class FolderSource implements BookSource {
  readonly name: string;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.name = `file://${path}`;
  }

  async fetch({ keys, prefetch }: Wanted): Promise<Book> {
    const maker = new BookMaker();
    const named = new Set([...prefetch.users, ...prefetch.groups.map((group) => `@${group}`)]);
    for await (const { file, line } of this.#lines()) {
      const item = parseItem(line);
      if (item === null) maker.leftOut += 1;
      else if (item.kind !== 'record' || prefetch.all || keys.has(item.name) || named.has(file))
        maker.add(item);
    }
    return maker.made();
  }

  async lookUp(key: string): Promise<readonly Item[]> {
    const found: Item[] = [];
    const begins = `scauth-book 1 record ${key} `;
    for await (const { line } of this.#lines()) {
      const item = line.startsWith(begins) ? parseItem(line) : null;
      if (item !== null && found.length < 64) found.push(item);
    }
    return found;
  }

  close(): void {
    // Nothing is held.
  }

  /** @throws AgentError `malformed` for more than a folder may hold */
  async *#lines(): AsyncGenerator<Found> {
    let left = MOST_BYTES;
    for (const file of this.#files()) {
      let rest = '';
      const name = file.slice(file.lastIndexOf('/') + 1, -SUFFIX.length);
      for (const chunk of chunksOf(file)) {
        left -= chunk.length;
        if (left < 0)
          throw new AgentError('malformed', { detail: `${this.name} is longer than ${MOST_BYTES} bytes` });
        const lines = (rest + chunk.toString('latin1')).split('\n');
        // A line without an end is no line of a book once it is this long: it need not be kept whole to be refused.
        rest = (lines.pop() ?? '').slice(0, CHUNK_BYTES);
        for (const line of lines) if (line !== '') yield { file: name, line };
        // A large folder is read in slices: a look-up may wait.
        await new Promise((resolve) => setImmediate(resolve));
      }
      // A file that is being written ends in the middle of a line.
    }
  }

  #files(): string[] {
    if (!statSync(this.#path).isDirectory()) return [this.#path];
    const names = readdirSync(this.#path).filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'));
    if (names.length > MOST_FILES)
      throw new AgentError('malformed', { detail: `${this.name} has more than ${MOST_FILES} files` });
    return names.sort().map((name) => join(this.#path, name));
  }
}

/** Of a regular file that is no link; another kind has none. A file that went meanwhile has none either. */
function* chunksOf(file: string): Generator<Buffer> {
  const fd = openRegular(file, (why, error) => {
    if (why === 'unreadable') throw error;
    return null;
  });
  if (fd === null) return;
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const got = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (got === 0) return;
      yield chunk.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}
