// Whether a key that is to be used was said to be lost: the key itself, or the card that it is or was on. Asked beside each
// look at the pairings, before anything is sent to the card and once more when it has answered.
// Why: DECISIONS.md D210.

import { AgentError } from '../../../base/errors.ts';
import type { Pkhh } from '../../../model/key/key.ts';
import { serialOf, type Lost } from '../../../model/lost.ts';
import type { TokenId } from '../../../model/card/token.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { PairedCard } from '../find/find-identity.ts';

type LostParts = Pick<PairingTable, 'lostBy'>;

/**
 * @param tokens of the card that is in, and of the one that was paired: a card can be given another number
 * @throws AgentError `store-unreadable`
 */
export function lostKey(pkhh: Pkhh, tokens: readonly (TokenId | null)[], pairings: LostParts): Lost | null {
  const serials = tokens.flatMap((id) => (id === null ? [] : [serialOf(id)]));
  return pairings.lostBy(pkhh, [...new Set(serials)]);
}

/** @throws AgentError `store-unreadable` */
export function lostCard({ token, identity, pairing }: PairedCard, pairings: LostParts): Lost | null {
  return lostKey(identity.publicKey.pkhh, [token.id, pairing.tokenId], pairings);
}

/** @throws AgentError `card-lost`, `store-unreadable` */
export function requireNotLost(lost: Lost | null): void {
  if (lost !== null)
    throw new AgentError('card-lost', { detail: `${lost.kind} ${lost.name}, said by ${lost.by}` });
}
