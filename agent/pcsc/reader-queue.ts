// One queue a reader: of this process only one at a time is at the card. That saves the 100 ms at which libpcsclite
// polls for a transaction, and at most one thread a reader can ever be lost in a call that does not return.

import { AgentError } from '../base/errors.ts';

export class ReaderQueue {
  #held = false;
  #stuck = false;
  readonly #waiting: (() => void)[] = [];

  /** True while a native call of ours is past its deadline and has not returned. */
  get stuck(): boolean {
    return this.#stuck;
  }

  /**
   * Waits for its turn, in order of arrival, at most `waitMs`. Whoever gets it calls `release`.
   * @throws AgentError `card-busy` when the time is over, or at once while a call is stuck
   */
  async acquire(waitMs: number): Promise<void> {
    if (this.#stuck) throw busy('an earlier call to the reader has not returned');
    if (!this.#held) {
      this.#held = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          this.#waiting.splice(this.#waiting.indexOf(turn), 1);
          reject(busy('another request of ours is at the card'));
        },
        Math.max(0, waitMs),
      );
      this.#waiting.push(turn);
    });
  }

  /** Says that the holder's native call does not return: nobody new waits for it. */
  markStuck(): void {
    this.#stuck = true;
  }

  release(): void {
    this.#stuck = false;
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}

function busy(detail: string): AgentError {
  return new AgentError('card-busy', { detail });
}
