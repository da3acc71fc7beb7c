// A pairing book as a file of its officers: read whole, written anew beside itself and renamed. Nothing is believed by it:
// what a command makes is signed, and each machine verifies it.

import { readFileSync, statSync } from 'node:fs';
import { AgentError } from '../../base/errors.ts';
import { replaceFile } from '../../base/replace-file.ts';
import { bookLineText, parseBookLine, type BookKind, type BookLine } from '../../model/book/book.ts';
import { MAX_BOOK_BYTES } from '../../model/book/limits.ts';
import { book as say } from '../../words/book.ts';
import { CommandError } from '../exit-codes.ts';

/** @throws CommandError `usage` */
export function readBook(path: string, mayBeMissing = false): BookLine[] {
  let text: string;
  try {
    if (statSync(path).size > MAX_BOOK_BYTES) throw new CommandError('usage', say.tooLong(path));
    text = readFileSync(path, 'latin1');
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    if (mayBeMissing && (cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CommandError('usage', say.unreadable(path), cause);
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const read = parseBookLine(line);
      if (read === null) throw new CommandError('usage', say.notALine(path, index + 1));
      return read;
    });
}

/** @throws CommandError `usage` */
export function writeBook(path: string, lines: readonly BookLine[]): void {
  try {
    replaceFile(path, lines.map((line) => `${bookLineText(line)}\n`).join(''), 0o644);
  } catch (cause) {
    throw new CommandError('usage', say.unwritable(path), cause);
  }
}

export function draft(kind: BookKind, name: string, body: string): BookLine {
  return { kind, name, body, signatures: [] };
}

/** null for what is none. */
export function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AgentError) return null;
    throw error;
  }
}

/** What an item says, or null where it cannot be read. */
export function saidBy<T>(parse: (body: string) => T, { body }: BookLine): T | null {
  return readOrNull(() => parse(body));
}

/** Numbers that no other item has, wherever it was made: by the clock, and behind all that are here. */
export class Numbers {
  #next: number;

  constructor(lines: readonly BookLine[]) {
    this.#next = Date.now();
    for (const { body } of lines) {
      const { number } = JSON.parse(Buffer.from(body, 'base64url').toString()) as { number?: unknown };
      if (Number.isSafeInteger(number)) this.#next = Math.max(this.#next, Number(number) + 1);
    }
  }

  next(): number {
    return this.#next++;
  }
}
