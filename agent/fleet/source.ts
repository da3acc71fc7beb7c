// What a carrier of the book is to scauth-fleet: a folder, a directory server.

import type { Book } from './book.ts';
import type { Item } from './item.ts';

/** Of whom records are wanted beside the keys that are named: everybody, or people and groups by name. */
export interface Prefetch {
  readonly all: boolean;
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export interface Wanted {
  /** Names of records: what is in the book, and what scauthd asks for. */
  readonly keys: ReadonlySet<string>;
  readonly prefetch: Prefetch;
}

export interface BookSource {
  /** For the log. */
  readonly name: string;
  /** Heads, officers, and the records that are wanted. @throws when it cannot be had as a whole */
  fetch(wanted: Wanted): Promise<Book>;
  /** Records of one key, within `LOOK_UP_MS`. @throws when nobody answers */
  lookUp(key: string): Promise<readonly Item[]>;
  close(): void;
}

/** A person waits at the machine. */
export const LOOK_UP_MS = 1000;
