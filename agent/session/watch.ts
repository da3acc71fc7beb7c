// What a session does with each state that scauthd tells: which card a dialog is opened for, which removal the lock
// command runs on. Each number is looked at once. It opens nothing itself: dialogs run in a process of their own, so
// that what stays resident is small.

import type { SeenCard, SessionState } from './state.ts';
import type { WireRemoval } from '../protocol/io-scauth.ts';

export interface WatchParts {
  /** logind's name of this session; null: not known. */
  readonly session: string | null;
  /** Opens the dialog (or says why the card is unfit), and resolves when it is over. */
  readonly openDialog: (card: SeenCard) => Promise<void>;
  /** Takes it without a dialog: nobody asks later either. */
  readonly passOver: (card: SeenCard) => Promise<void>;
  readonly lock: (removal: WireRemoval) => Promise<void>;
  readonly log: (line: string) => void;
}

export class SessionWatch {
  readonly #parts: WatchParts;
  readonly #seen = new Set<number>();
  #dialogs: Promise<void> = Promise.resolve();
  #busy = 0;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** A dialog is open, or something else is still to be done. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  take(state: SessionState): void {
    for (const removal of state.removals) if (this.#isNew(removal)) this.#takeRemoval(removal);
    for (const card of state.cards) if (this.#isNew(card)) this.#takeCard(card, state.loggingIn);
    const there = new Set([...state.cards, ...state.removals].map(({ number }) => number));
    for (const number of this.#seen) if (!there.has(number)) this.#seen.delete(number);
  }

  /** What is in was in before: scauthd was started again, and its numbers are new. */
  takeAsSeen(state: SessionState, tokens: ReadonlySet<string>): void {
    for (const { number, token } of state.cards) if (tokens.has(token)) this.#seen.add(number);
    this.take(state);
  }

  #isNew({ number }: { readonly number: number }): boolean {
    if (this.#seen.has(number)) return false;
    this.#seen.add(number);
    return true;
  }

  /** Why no dialog opens for a card; null when one may. */
  #against({ standing, prompt, claimed }: SeenCard): string | null {
    if (standing === 'own') return 'it is yours';
    if (standing === 'others') return 'it is paired with somebody else';
    if (claimed) return 'it was in before, or was asked about';
    // Whoever switches the prompt on later has not put a card in.
    return prompt ? null : 'the pairing dialog is disabled';
  }

  #takeRemoval(removal: WireRemoval): void {
    const { session } = this.#parts;
    if (removal.claimed) return;
    if (removal.session !== null && session !== null && removal.session !== session) return;
    void this.#during(() => this.#parts.lock(removal));
  }

  #takeCard(card: SeenCard, loggingIn: boolean): void {
    const against = this.#against(card);
    this.#parts.log(`card ${card.token}: ${against ?? (loggingIn ? 'a login is in course' : card.standing)}`);
    if (against !== null) return;
    if (loggingIn) {
      void this.#during(() => this.#parts.passOver(card));
      return;
    }
    // One window at a time.
    this.#dialogs = this.#during(async () => {
      await this.#dialogs;
      await this.#parts.openDialog(card);
    });
  }

  async #during(act: () => Promise<void>): Promise<void> {
    this.#busy += 1;
    try {
      await act();
    } catch {
      // scauthd is gone, or a program did not start: the next state tells, and the card can be put in again.
    } finally {
      this.#busy -= 1;
    }
  }
}
