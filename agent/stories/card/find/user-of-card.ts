// Whose a card is by the pairings; for a login prompt without a user name they give it.

import type { PublicKey } from '../../../model/key/key.ts';
import { takesKey } from '../../../model/pairing.ts';
import type { Username } from '../../../model/request.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { Token } from '../../../token/interface.ts';
import type { Conversation } from '../conversation.ts';
import { userPrompt } from '../../../words/login.ts';

/** Who has paired this very key, whoever paired it first in front. @throws AgentError `store-unreadable` */
export function ownersOf(key: PublicKey, pairings: Pick<PairingTable, 'forKey'>): Username[] {
  return pairings
    .forKey(key.pkhh)
    .filter((pairing) => takesKey(pairing, key))
    .map(({ user }) => user);
}

/** The users who are paired with a login key on one of the tokens, by name. @throws AgentError `store-unreadable` */
export function usersOf(tokens: readonly Token[], pairings: PairingTable): Username[] {
  const keys = tokens.flatMap((token) => token.identities.filter(({ use }) => use === 'authentication'));
  const users = keys.flatMap(({ publicKey }) => pairings.forKey(publicKey.pkhh).map(({ user }) => user));
  return [...new Set(users)].sort();
}

/**
 * The only user of the cards that are in, or the one that the person chooses by number.
 * @returns null when there is none, or no choice was made: the next module asks for the name
 */
export async function chooseUser(users: readonly Username[], person: Conversation): Promise<Username | null> {
  if (users.length <= 1) return users[0] ?? null;
  const typed = await person.ask(userPrompt(users), true);
  if (typed === null) return null;
  const chosen = users.findIndex((_, index) => typed.says(String(index + 1)));
  typed.wipe();
  return users[chosen] ?? null;
}
