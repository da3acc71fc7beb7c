// One queue a reader: of this process only one at a time is at the card. That saves the 100 ms at which libpcsclite
// polls for a transaction, and at most one thread a reader can ever be lost in a call that does not return.
// Why: DECISIONS.md D328.

import { goesAhead } from '../base/ahead.ts';
import { AgentError } from '../base/errors.ts';

export class ReaderQueue {
  #held = false;
  #stuck = false;
  readonly #ahead: (() => void)[] = [];
  readonly #others: (() => void)[] = [];
  /** Who had the last turn: nobody who goes ahead keeps all others from theirs. */
  #wasAhead = false;

  /** True while a native call of ours is past its deadline and has not returned. */
  get stuck(): boolean {
    return this.#stuck;
  }

  /**
   * Waits for its turn, at most `waitMs`: in order of arrival, those who go ahead and the others in turn. Whoever gets it
   * calls `release`.
   * @throws AgentError `card-busy` when the time is over, or at once while a call is stuck
   */
  async acquire(waitMs: number): Promise<void> {
    if (this.#stuck) throw busy('an earlier call to the reader has not returned');
    const ahead = goesAhead();
    if (!this.#held) {
      this.#held = true;
      this.#wasAhead = ahead;
      return;
    }
    const waiting = ahead ? this.#ahead : this.#others;
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          waiting.splice(waiting.indexOf(turn), 1);
          reject(busy('another request of ours is at the card'));
        },
        Math.max(0, waitMs),
      );
      waiting.push(turn);
    });
  }

  /** Says that the holder's native call does not return: nobody new waits for it. */
  markStuck(): void {
    this.#stuck = true;
  }

  release(): void {
    this.#stuck = false;
    const isAhead = this.#ahead.length > 0 && (this.#others.length === 0 || !this.#wasAhead);
    const next = (isAhead ? this.#ahead : this.#others).shift();
    this.#wasAhead = isAhead;
    if (next === undefined) this.#held = false;
    else next();
  }
}

function busy(detail: string): AgentError {
  return new AgentError('card-busy', { detail });
}
