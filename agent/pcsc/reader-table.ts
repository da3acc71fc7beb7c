// What was last seen in each reader, and which events a new look at them means. Pure: no call to pcscd.
// Specification: SCARD_READERSTATE in pcsclite.h; the high word of dwEventState counts insertions and removals.

import type { CardEvent } from './events.ts';
import * as C from './constants.ts';
import type { ReaderEvent, ReaderState } from './library.ts';
import type { Winscard, WinscardSlot } from './winscard.ts';

type Content = WinscardSlot | 'mute' | null;

interface Seen {
  state: number;
  content: Content;
}

export class ReaderTable {
  readonly #winscard: Pick<Winscard, 'slot'>;
  readonly #readers = new Map<string, Seen>();

  constructor(winscard: Pick<Winscard, 'slot'>) {
    this.#winscard = winscard;
  }

  names(): string[] {
    return [...this.#readers.keys()];
  }

  /** What SCardGetStatusChange compares with. */
  states(): ReaderState[] {
    return [...this.#readers].map(([name, { state }]) => ({ name, currentState: state }));
  }

  /** Takes in new readers and forgets those that are not listed any more. */
  keepOnly(names: readonly string[]): CardEvent[] {
    const gone = [...this.#readers.keys()].filter((name) => !names.includes(name));
    const events = gone.flatMap((name) => this.#forget(name));
    for (const name of names) {
      if (!this.#readers.has(name)) this.#readers.set(name, { state: C.SCARD_STATE_UNAWARE, content: null });
    }
    return events;
  }

  /** Takes in what SCardGetStatusChange said of each reader. */
  update(changes: readonly ReaderEvent[]): CardEvent[] {
    return changes.flatMap((change) => this.#updateOne(change));
  }

  /** Forgets all readers: pcscd is gone. */
  clear(): CardEvent[] {
    return this.names().flatMap((name) => this.#forget(name, false));
  }

  #forget(reader: string, removed = true): CardEvent[] {
    const seen = this.#readers.get(reader);
    this.#readers.delete(reader);
    return seen === undefined ? [] : takeOut(reader, seen, removed);
  }

  #updateOne({ name, eventState, atr }: ReaderEvent): CardEvent[] {
    const seen = this.#readers.get(name);
    // Zero: the call ended because of another reader and did not look at this one.
    if (seen === undefined || eventState === 0) return [];
    if ((eventState & (C.SCARD_STATE_UNKNOWN | C.SCARD_STATE_UNAVAILABLE)) !== 0) return this.#forget(name);
    const swapped = seen.state >>> 16 !== eventState >>> 16;
    seen.state = (eventState & ~C.SCARD_STATE_CHANGED) >>> 0;
    const present = (eventState & C.SCARD_STATE_PRESENT) !== 0;
    const events = swapped || !present ? takeOut(name, seen) : [];
    if (!present) return events;
    if ((eventState & C.SCARD_STATE_MUTE) !== 0) {
      if (seen.content === 'mute') return events;
      events.push(...takeOut(name, seen), { kind: 'card-mute', reader: name });
      seen.content = 'mute';
    } else if (atr.length > 0 && (seen.content === null || seen.content === 'mute')) {
      events.push(...takeOut(name, seen));
      const slot = this.#winscard.slot(name, atr);
      seen.content = slot;
      events.push({ kind: 'card-in', slot });
    }
    return events;
  }
}

/** Ends what was in the reader. */
function takeOut(reader: string, seen: Seen, removed = true): CardEvent[] {
  const { content } = seen;
  seen.content = null;
  if (content === null) return [];
  if (content !== 'mute') content.end();
  return [{ kind: 'card-out', reader, removed }];
}
