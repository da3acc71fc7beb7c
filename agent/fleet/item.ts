// A line of the pairing book, as far as a carrier reads it: `scauth-book 1 KIND NAME REST` (FLEET.md). What it says and
// who signed it is scauthd's business; here it has a kind, a name under which it is kept, and a length.

import { MAX_BOOK_LINE } from '../model/book/limits.ts';

export type ItemKind = 'head' | 'officer' | 'record';

/** One signed line. The name is an index that nobody believes. */
export interface Item {
  readonly kind: ItemKind;
  /** head: decimal epoch; officer: hash of the key; record: pkhh; hexadecimal digits are lower-case. */
  readonly name: string;
  readonly line: string;
}

const LINE = /^scauth-book 1 (head|officer|record) ([0-9a-f]{1,64}) [!-~][ -~]*$/;
const NAMES: Readonly<Record<ItemKind, RegExp>> = {
  head: /^\d{1,15}$/,
  officer: /^[0-9a-f]{40,64}$/,
  record: /^[0-9a-f]{40}$/,
};

/** null for what is no line of a book; nothing of it is kept. */
export function parseItem(line: string): Item | null {
  if (line.length > MAX_BOOK_LINE) return null;
  const [, kind, name = ''] = LINE.exec(line) ?? [];
  if (kind !== 'head' && kind !== 'officer' && kind !== 'record') return null;
  return NAMES[kind].test(name) ? { kind, name, line } : null;
}

/** A key hash as records are named, or null. */
export function recordName(text: string): string | null {
  return NAMES.record.test(text) ? text : null;
}
