// The tries of one PIN, as far as scauthd knows them: what the card has said, and what our own wrong PINs have cost, until
// a right one or, for a TPM, time gives them back (wrong-pins.ts). A PIN is sent only through here, one at a time, and the
// count that decides is the one at that moment.
// It outlives the Token: a card that is put in again, or read anew by its driver, has no more tries than before.

import { systemClock, type Clock } from '../../base/clock.ts';
import { AgentError, asAgentError } from '../../base/errors.ts';
import { USUAL_TRIES, type PinState, type TryPermit } from './token.ts';
import { WrongPins } from './wrong-pins.ts';

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
  #heardAtMs = -Infinity;
  /** For tokens that do not count for us. */
  readonly #wrong: WrongPins;
  readonly #clock: Clock;

  constructor(clock: Clock, wrong = new WrongPins(clock, true)) {
    this.#clock = clock;
    this.#wrong = wrong;
  }

  get state(): PinState {
    const { count } = this.#wrong;
    return { triesLeft: this.#left, triesTotal: this.#total, ...(count > 0 && { wrong: count }) };
  }

  /** What the card says now. A number is the truth; without one, the lowest that was known stays. */
  heard({ triesLeft, triesTotal, low }: ToldTries): void {
    this.#total = triesTotal ?? this.#total;
    if (triesLeft !== null) this.#left = triesLeft;
    // It was blocked, and does not say so any more.
    else if (this.#left === 0) this.#left = 1;
    // What it says once and not again stays known as wrong PINs, of the usual three.
    if (triesLeft !== null && triesLeft <= 1) this.#wrong.atLeast(USUAL_TRIES - triesLeft);
    else if (low === true) this.#wrong.atLeast(1);
    this.#heardAtMs = this.#clock.monotonicMs();
  }

  /**
   * The PIN was right: a card has all its tries again; without a total we do not know how many. Of any other token
   * nothing new is known, and it is asked before the next PIN.
   */
  right(): void {
    this.#wrong.right();
    this.#left = this.#wrong.restores ? this.#total : null;
    this.#heardAtMs = this.#wrong.restores ? this.#clock.monotonicMs() : -Infinity;
  }

  /**
   * Sends a PIN: one at a time, and only when `permit` lets it, by what is known when it is its turn.
   * @param send has the card, calls `admit`, then sends
   * @throws AgentError what `permit` and `send` throw
   */
  spend<T>(permit: TryPermit, send: (admit: Admit) => Promise<T>): Promise<T> {
    return this.#wrong.inTurn(() => this.#send(permit, send));
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
        this.heard({ triesLeft: 0, triesTotal: null });
        return;
      case 'pin-reserve':
        // The driver looked once more, and has not sent it.
        if (triesLeft !== undefined) this.heard({ triesLeft, triesTotal: null });
        return;
      case 'wrong-pin':
      case 'wrong-puk':
        this.#wrong.atLeast(this.#wrong.count + 1);
        triesLeft ??= this.#left === null ? undefined : Math.max(this.#left - 1, 1);
        this.heard({ triesLeft: triesLeft ?? null, triesTotal: null });
        return;
      default:
        // Nobody knows what the card thought of it: it is asked before the next one, and may not say.
        this.#wrong.atLeast(this.#wrong.count + 1);
        if (triesLeft !== undefined) this.heard({ triesLeft, triesTotal: null });
        this.#heardAtMs = -Infinity;
    }
  }
}

/** The tries of the PINs that a driver has seen. */
export class TryMemory {
  readonly #pins = new Map<string, PinTries>();
  readonly #clock: Clock;
  /** What all PINs have in common; undefined: each has its own. */
  readonly #shared: WrongPins | undefined;

  constructor(clock: Clock = systemClock, shared?: WrongPins) {
    this.#clock = clock;
    this.#shared = shared;
  }

  /** For tokens that are in no reader: they may all be one TPM's, which has one counter for everything. */
  static ofTpm(clock: Clock = systemClock): TryMemory {
    return new TryMemory(clock, new WrongPins(clock, false));
  }

  /**
   * @param name of a PIN: its token, its id and the keys that it opens, so that a card that merely calls itself the same
   * has tries of its own
   */
  of(...name: readonly string[]): PinTries {
    const key = name.join('\0');
    const tries = this.#pins.get(key) ?? new PinTries(this.#clock, this.#shared);
    this.#pins.delete(key);
    this.#pins.set(key, tries);
    const [oldest] = this.#pins.keys();
    if (this.#pins.size > MAX_PINS && oldest !== undefined) this.#pins.delete(oldest);
    return tries;
  }
}
