// What a card has signed for the pairing book, on its way to who asked: a frame has no room for it, so it waits here for
// a moment, under a ticket, for the same account alone.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { BookSignature } from '../../model/book/book.ts';

const KEPT_MS = 60_000;
const MAX_KEPT = 8;

interface Kept {
  readonly uid: number;
  readonly untilMs: number;
  readonly signatures: readonly BookSignature[];
}

export class SignedBooks {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the ticket; the oldest goes where there are too many */
  keep(uid: number, signatures: readonly BookSignature[]): string {
    const now = this.#clock.monotonicMs();
    for (const [ticket, { untilMs }] of this.#kept)
      if (untilMs <= now || this.#kept.size >= MAX_KEPT) this.#kept.delete(ticket);
    const ticket = randomBytes(16).toString('base64url');
    this.#kept.set(ticket, { uid, untilMs: now + KEPT_MS, signatures });
    return ticket;
  }

  /** null: there is none for this account. */
  of(ticket: string, uid: number): readonly BookSignature[] | null {
    const kept = this.#kept.get(ticket);
    if (kept === undefined || kept.uid !== uid || kept.untilMs <= this.#clock.monotonicMs()) return null;
    return kept.signatures;
  }

  forget(ticket: string): void {
    this.#kept.delete(ticket);
  }
}
