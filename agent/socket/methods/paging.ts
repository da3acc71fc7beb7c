// A list that may not fit into one varlink message, by pages: as many items as fit, and where to go on. Items are made one
// by one, in slices, and those behind the page are not looked at.

import { Slices, type Placed } from '../../base/slices.ts';
import { MAX_MESSAGE_BYTES } from '../../protocol/varlink.ts';

/** Room for the rest of the message. */
const MAX_PAGE_BYTES = MAX_MESSAGE_BYTES - 1024;
/** A page of what takes long to find goes out as it is, even empty: the caller sees that it goes on. */
const MAX_PAGE_MS = 2000;

export interface Page<T, P> {
  readonly items: T[];
  /** What `after` must be for the next page; null at the end. */
  readonly next: P | null;
}

/**
 * @param source null: nothing is at this place
 * @param make the item as it goes over the wire
 */
export async function pageOf<S, P, T>(
  source: AsyncIterable<Placed<S | null, P>> | Iterable<Placed<S | null, P>>,
  make: (one: S) => T | Promise<T>,
): Promise<Page<T, P>> {
  const slices = new Slices();
  const endMs = performance.now() + MAX_PAGE_MS;
  const items: T[] = [];
  let bytes = 0;
  let next: P | null = null;
  for await (const { one, place } of source) {
    if (one !== null) {
      const item = await make(one);
      bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
      if (bytes > MAX_PAGE_BYTES && items.length > 0) return { items, next };
      items.push(item);
    }
    next = place;
    if (performance.now() > endMs) return { items, next };
    await slices.giveWay();
  }
  return { items, next: null };
}
