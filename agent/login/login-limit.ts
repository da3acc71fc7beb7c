// How many logins may be under way: in all, and for one account, so that nobody's flood closes the card way for others.
// The socket takes more connections than that: an account phase must get its answer while a flood goes on.

import type { Username } from '../model/request.ts';

const MAX_LOGINS = 48;
const MAX_FOR_ONE_USER = 8;

export class LoginLimit {
  readonly #perUser = new Map<Username | null, number>();
  #all = 0;

  /** @param user null: nobody is named yet. @returns what ends the login's place; null: there is none */
  take(user: Username | null): (() => void) | null {
    const own = this.#perUser.get(user) ?? 0;
    if (this.#all >= MAX_LOGINS || (user !== null && own >= MAX_FOR_ONE_USER)) return null;
    this.#all += 1;
    this.#perUser.set(user, own + 1);
    return () => {
      this.#all -= 1;
      const left = (this.#perUser.get(user) ?? 1) - 1;
      if (left === 0) this.#perUser.delete(user);
      else this.#perUser.set(user, left);
    };
  }
}
