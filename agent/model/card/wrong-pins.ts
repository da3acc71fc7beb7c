// One counter of wrong PINs inside a token, as far as scauthd knows of it. A card has one for each PIN, and a right PIN
// sets it back. A TPM has one for all that it holds; a right PIN leaves it as it is, and time takes one wrong PIN away
// after the other. Where nothing says which kind a token is, the one that forgets more slowly is meant.
// Specification: TPM 2.0 part 1, dictionary attack protection (failedTries, recoveryTime).

import type { Clock } from '../../base/clock.ts';

/**
 * A TPM's recoveryTime, the longest that is common: Windows sets two hours, for 32 tries ("TPM fundamentals"); libtpms
 * has 1,000 s, for three.
 */
export const RECOVERY_MS = 7_200_000;

export class WrongPins {
  #count = 0;
  #recoversFromMs = 0;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #clock: Clock;
  /** Whether a right PIN sets the token's counter back; else time does. */
  readonly restores: boolean;

  constructor(clock: Clock, restores: boolean) {
    this.#clock = clock;
    this.restores = restores;
  }

  get count(): number {
    if (this.restores || this.#count === 0) return this.#count;
    const recovered = Math.floor((this.#clock.monotonicMs() - this.#recoversFromMs) / RECOVERY_MS);
    this.#count = Math.max(0, this.#count - recovered);
    this.#recoversFromMs += recovered * RECOVERY_MS;
    return this.#count;
  }

  /** At least so many are known of. A failure starts the time of a TPM's recovery anew. */
  atLeast(count: number): void {
    if (count <= this.count) return;
    this.#count = count;
    this.#recoversFromMs = this.#clock.monotonicMs();
  }

  right(): void {
    if (this.restores) this.#count = 0;
  }

  /** One PIN at a time goes to what this counter guards: the next one is judged by what has come of it. */
  inTurn<T>(send: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(send);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
