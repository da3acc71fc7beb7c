// Long work in slices: whoever walks through a table gives the event loop back every few milliseconds, so that a login
// that comes meanwhile waits for one slice at most. Several walks take turns: one slice a turn of the loop. Tables are
// read by key, a few rows at a time: none is ever held whole.
// Why: DECISIONS.md D134.

const SLICE_MS = 2;

let last: Promise<void> = Promise.resolve();

/** One walk. */
export class Slices {
  #beganMs = performance.now();

  /** Returns at once while the slice lasts, and in a later turn of the loop when it is used up. */
  async giveWay(): Promise<void> {
    if (performance.now() - this.#beganMs < SLICE_MS) return;
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    await last;
    this.#beganMs = performance.now();
  }
}

/** An item, and what a later page begins with that goes on behind it. */
export interface Placed<S, P> {
  readonly one: S;
  readonly place: P;
}

/** A list that is held anyway, by number. */
export function* numbered<S>(list: readonly S[], after: number): Generator<Placed<S, number>> {
  for (const [index, one] of list.entries()) if (index >= after) yield { one, place: index + 1 };
}

/** How many rows are read from a table at once. */
const ROWS = 64;

/** A table by its key: the rows behind `after`, read a few at a time. */
export function* rowsBehind<S, P>(
  after: P | null,
  read: (after: P | null, count: number) => readonly S[],
  placeOf: (row: S) => P,
): Generator<Placed<S, P>> {
  for (let last = after; ;) {
    const rows = read(last, ROWS);
    for (const one of rows) yield { one, place: (last = placeOf(one)) };
    if (rows.length < ROWS) return;
  }
}
