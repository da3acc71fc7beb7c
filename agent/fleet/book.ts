// The book as a set of lines: what may be in it, in which order it is written, and how it is read back.

import { MAX_BOOK_BYTES, MAX_BOOK_RECORDS } from '../model/book/limits.ts';
import { parseItem, type Item } from './item.ts';

/** Epochs of which heads are kept, of one source: the highest, which nobody believes; scauthd takes the one that is signed. */
const MOST_EPOCHS = 4;
/** Lines of one epoch: a long list of what is revoked goes on in further lines. */
const MOST_OF_ONE_EPOCH = 256;
const MOST_OFFICERS = 256;
/** Records that may have one name: a key may be paired with several accounts. */
const MOST_OF_ONE_KEY = 64;

/** What one source said; each line once. */
export interface Book {
  readonly heads: readonly Item[];
  readonly officers: readonly Item[];
  /** By name. */
  readonly records: ReadonlyMap<string, readonly Item[]>;
}

export const EMPTY_BOOK: Book = { heads: [], officers: [], records: new Map() };

function highestFirst(a: Item, b: Item): number {
  return Number(b.name) - Number(a.name) || (a.line < b.line ? -1 : 1);
}

function highestEpochs(sorted: readonly Item[]): Item[] {
  const epochs = Map.groupBy(sorted, ({ name }) => Number(name));
  return [...epochs.values()].slice(0, MOST_EPOCHS).flatMap((own) => own.slice(0, MOST_OF_ONE_EPOCH));
}

function byLine(a: Item, b: Item): number {
  return a.line < b.line ? -1 : a.line > b.line ? 1 : 0;
}

/** Puts lines together, and leaves out what is more than a book may have. */
export class BookMaker {
  readonly #heads = new Map<string, Item>();
  readonly #officers = new Map<string, Item>();
  readonly #records = new Map<string, Map<string, Item>>();
  #recordCount = 0;
  #bytes = 0;
  /** Lines that were none of a book, and such as were too many. */
  leftOut = 0;

  /** @returns whether it was taken */
  addLine(line: string): boolean {
    const item = parseItem(line);
    if (item !== null) return this.add(item);
    this.leftOut += 1;
    return false;
  }

  add(item: Item): boolean {
    const taken = this.#take(item);
    if (!taken) this.leftOut += 1;
    return taken;
  }

  #take(item: Item): boolean {
    if (this.#bytes + item.line.length > MAX_BOOK_BYTES) return false;
    switch (item.kind) {
      case 'head':
        // Cut to size at the end; until then a source may not fill the memory with them.
        if (this.#heads.size >= 4 * MOST_EPOCHS * MOST_OF_ONE_EPOCH) return false;
        this.#heads.set(item.line, item);
        break;
      case 'officer':
        if (this.#officers.size >= MOST_OFFICERS && !this.#officers.has(item.line)) return false;
        this.#officers.set(item.line, item);
        break;
      case 'record': {
        const own = this.#records.get(item.name) ?? new Map<string, Item>();
        if (own.has(item.line)) return true;
        if (own.size >= MOST_OF_ONE_KEY || this.#recordCount >= MAX_BOOK_RECORDS) return false;
        this.#records.set(item.name, own.set(item.line, item));
        this.#recordCount += 1;
        break;
      }
    }
    this.#bytes += item.line.length + 1;
    return true;
  }

  made(): Book {
    return {
      heads: highestEpochs([...this.#heads.values()].sort(highestFirst)),
      officers: [...this.#officers.values()].sort(byLine),
      records: new Map([...this.#records].map(([name, own]) => [name, [...own.values()].sort(byLine)])),
    };
  }
}

/** Lines of a file; those that are none of a book count as left out. */
export function readBook(text: string, maker = new BookMaker()): BookMaker {
  for (const line of text.split('\n')) if (line !== '') maker.addLine(line);
  return maker;
}

/** The lines of several sources, each line once, in an order that does not depend on who was asked first. */
export function joinBooks(books: readonly Book[]): Buffer {
  const heads = new Map(books.flatMap((book) => book.heads.map((item) => [item.line, item])));
  const rest = new BookMaker();
  for (const { officers, records } of books) {
    for (const item of officers) rest.add(item);
    for (const own of records.values()) for (const item of own) rest.add(item);
  }
  const { officers, records } = rest.made();
  const names = [...records.keys()].sort();
  const items = [
    ...[...heads.values()].sort(highestFirst),
    ...officers,
    ...names.flatMap((name) => records.get(name) ?? []),
  ];
  return Buffer.from(items.map(({ line }) => `${line}\n`).join(''), 'latin1');
}
