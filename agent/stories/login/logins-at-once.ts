// How many logins may be under way: in all, and for whoever stands behind them, so that nobody's flood closes the card way
// for others. It counts by who asks, not by who is asked for: anybody can start `su` for somebody else. Logins that root's
// programs ask for have places of their own.

import { SYSTEM, type PeerCredentials, type Username } from '../../model/request.ts';

const MAX_LOGINS = 48;
const MAX_FOR_ONE = 8;

export class LoginLimit {
  readonly #perOwner = new Map<string, number>();
  readonly #all = { root: 0, others: 0 };

  /**
   * @param user null: nobody is named yet
   * @returns what ends the login's place; null: there is none
   */
  take(user: Username | null, { uid, owner = SYSTEM }: PeerCredentials): (() => void) | null {
    const kind = uid === 0 ? 'root' : 'others';
    // The system's own programs ask for everybody, and are counted by account.
    const key = owner === SYSTEM && user !== null ? `${owner} for ${user}` : owner;
    const own = this.#perOwner.get(key) ?? 0;
    if (this.#all[kind] >= MAX_LOGINS || (key !== SYSTEM && own >= MAX_FOR_ONE)) return null;
    this.#all[kind] += 1;
    this.#perOwner.set(key, own + 1);
    return () => {
      this.#all[kind] -= 1;
      const left = (this.#perOwner.get(key) ?? 1) - 1;
      if (left === 0) this.#perOwner.delete(key);
      else this.#perOwner.set(key, left);
    };
  }
}
