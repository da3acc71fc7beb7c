// A list that may not fit into one varlink message, by pages: as many items as fit, and where to go on.

import { MAX_MESSAGE_BYTES } from './varlink.ts';

/** Room for the rest of the message. */
const MAX_PAGE_BYTES = MAX_MESSAGE_BYTES - 1024;

export interface Page<T> {
  readonly items: T[];
  /** What `after` must be for the next page; null at the end. */
  readonly next: number | null;
}

/**
 * The items from `after` on, at least one where there is one.
 * @param make the item as it goes over the wire; called only for those that may go
 */
export async function pageOf<S, T>(
  source: readonly S[],
  after: number,
  make: (one: S) => T | Promise<T>,
): Promise<Page<T>> {
  const items: T[] = [];
  let bytes = 0;
  for (const [index, one] of source.slice(after).entries()) {
    const item = await make(one);
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > MAX_PAGE_BYTES && items.length > 0) return { items, next: after + index };
    items.push(item);
  }
  return { items, next: null };
}
