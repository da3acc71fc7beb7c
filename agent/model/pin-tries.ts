// The tries of one PIN, as far as scauthd knows them: what the card has said, and what our own wrong PINs have cost, until
// a right one. A PIN is sent only through here, one at a time, and the count that decides is the one at that moment.
// It outlives the Token: a card that is put in again, or read anew by its driver, has no more tries than before.

import { systemClock, type Clock } from '../base/clock.ts';
import { AgentError, asAgentError } from '../base/errors.ts';
import type { PinState, TryPermit } from './token.ts';

/** Older counts are read again before a PIN is sent: other programs have the card too, and scauthd does not see them. */
export const FRESH_MS = 10_000;
/** Cards that are remembered; far more than anybody has. */
const MAX_PINS = 1000;

/** What a card says of a PIN's tries. */
export interface ToldTries extends Pick<PinState, 'triesLeft' | 'triesTotal'> {
  /** A wrong PIN was entered since the last right one. */
  readonly low?: boolean;
}

/** Reads the count from the card that is about to get the PIN. */
export type ReadTries = () => Promise<ToldTries>;

/**
 * To be called with the card in hand, right before the PIN goes.
 * @throws AgentError `pin-reserve`, `pin-blocked`, `pin-not-yours`: nothing must be sent; what the reading throws
 */
export type Admit = (read: ReadTries) => Promise<void>;

export class PinTries {
  #left: number | null = null;
  #total: number | null = null;
  /** Wrong PINs since the last right one, for cards that do not count for us. */
  #wrong = 0;
  #heardAtMs = -Infinity;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): PinState {
    return { triesLeft: this.#left, triesTotal: this.#total, ...(this.#wrong > 0 && { wrong: this.#wrong }) };
  }

  /** What the card says now. A number is the truth; without one, the lowest that was known stays. */
  heard({ triesLeft, triesTotal, low }: ToldTries): void {
    this.#total = triesTotal ?? this.#total;
    if (triesLeft !== null) this.#left = triesLeft;
    // It was blocked, and does not say so any more.
    else if (this.#left === 0) this.#left = 1;
    if (low === true) this.#wrong = Math.max(this.#wrong, 1);
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /** The PIN was right: the card has all its tries again. Without a total we do not know how many. */
  right(): void {
    this.#left = this.#total;
    this.#wrong = 0;
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /**
   * Sends a PIN: one at a time, and only when `permit` lets it, by what is known when it is its turn.
   * @param send has the card, calls `admit`, then sends
   * @throws AgentError what `permit` and `send` throw
   */
  spend<T>(permit: TryPermit, send: (admit: Admit) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#send(permit, send));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #send<T>(permit: TryPermit, send: (admit: Admit) => Promise<T>): Promise<T> {
    const seen = { admitted: false };
    try {
      const result = await send(async (read) => {
        if (this.#clock.monotonicMs() - this.#heardAtMs > FRESH_MS) this.heard(await read());
        permit(this.state);
        seen.admitted = true;
      });
      if (!seen.admitted)
        throw new AgentError('internal', { detail: 'a PIN was sent without a look at its tries' });
      this.right();
      return result;
    } catch (error) {
      if (seen.admitted) this.#failed(asAgentError(error));
      throw error;
    }
  }

  #failed({ code, triesLeft }: AgentError): void {
    switch (code) {
      case 'pin-malformed':
      case 'pin-timeout':
      case 'cancelled':
      case 'no-identity':
      case 'card-changed':
        return; // the card has not judged it
      case 'no-card':
        this.#heardAtMs = -Infinity;
        return;
      case 'pin-blocked':
      case 'puk-blocked':
        this.#left = 0;
        return;
      case 'pin-reserve':
        // The driver looked once more, and has not sent it.
        if (triesLeft !== undefined) this.heard({ triesLeft, triesTotal: null });
        return;
      case 'wrong-pin':
      case 'wrong-puk':
        this.#wrong += 1;
        this.#left = triesLeft ?? (this.#left === null ? null : Math.max(this.#left - 1, 1));
        this.#heardAtMs = this.#clock.monotonicMs();
        return;
      default:
        // Nobody knows what the card thought of it: it is asked before the next one, and may not say.
        this.#wrong += 1;
        if (triesLeft !== undefined) this.#left = triesLeft;
        this.#heardAtMs = -Infinity;
    }
  }
}

/** The tries of the PINs that a driver has seen. */
export class TryMemory {
  readonly #pins = new Map<string, PinTries>();
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /**
   * @param name of a PIN: its token, its id and the keys that it opens, so that a card that merely calls itself the same
   * has tries of its own
   */
  of(...name: readonly string[]): PinTries {
    const key = name.join('\0');
    const tries = this.#pins.get(key) ?? new PinTries(this.#clock);
    this.#pins.delete(key);
    this.#pins.set(key, tries);
    const [oldest] = this.#pins.keys();
    if (this.#pins.size > MAX_PINS && oldest !== undefined) this.#pins.delete(oldest);
    return tries;
  }
}
