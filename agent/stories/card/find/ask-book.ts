// A card that nobody is known by: where there is a fleet, its book is asked for the key, and waited for a moment.

import type { Pkhh } from '../../../model/key/key.ts';
import type { Username } from '../../../model/request.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { Token } from '../../../token/interface.ts';

/** The fleet, to a login. */
export interface BookDesk {
  readonly isOn: boolean;
  /** Who may pair the account is looked up before it logs in. Never throws. */
  ready(user: Username): Promise<void>;
  /** @returns whether the book says something of one of these keys now; never throws */
  ask(keys: readonly Pkhh[]): Promise<boolean>;
}

/** Looks once more where the first look has missed, and the book had an answer. */
export async function askingBook<T>(
  look: () => Promise<T>,
  misses: (found: T) => boolean,
  tokens: () => Promise<readonly Token[]>,
  book: BookDesk | undefined,
): Promise<T> {
  const found = await look();
  if (book?.isOn !== true || !misses(found)) return found;
  return (await book.ask(loginKeys(await tokens()))) ? look() : found;
}

export function loginKeys(tokens: readonly Token[]): Pkhh[] {
  const keys = tokens.flatMap(({ identities }) => identities.filter(({ use }) => use === 'authentication'));
  return [...new Set(keys.map(({ publicKey }) => publicKey.pkhh))];
}

/** Keys for logins of a card that was put in which nobody is paired with. @throws AgentError `store-unreadable` */
export function unknownKeys(token: Token, pairings: Pick<PairingTable, 'forKey'>): Pkhh[] {
  return loginKeys([token]).filter((key) => pairings.forKey(key).length === 0);
}
