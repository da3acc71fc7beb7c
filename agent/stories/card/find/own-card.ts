// Which of an account's own cards is meant, outside of a login: where a login would say "unavailable", this throws.

import { AgentError } from '../../../base/errors.ts';
import type { Pairing } from '../../../model/pairing.ts';
import type { Username } from '../../../model/request.ts';
import type { PairingTable } from '../../../store/interface.ts';
import { CARD_READING_MS, type TokenSource } from '../../../token/interface.ts';
import { permitReader } from '../../../../policy/permit-reader.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { lostCard, requireNotLost } from '../gates/said-lost.ts';
import { requireChoice } from './choose-card.ts';
import type { Conversation } from '../conversation.ts';
import { findPairedIdentities, lastUsedFirst, type PairedCard } from './find-identity.ts';

export interface OwnCardParts {
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
}

/** @throws AgentError `not-paired` */
export function ownPairings(name: Username, { pairings }: Pick<OwnCardParts, 'pairings'>): Pairing[] {
  const own = pairings.forUser(name);
  if (own.length === 0) throw new AgentError('not-paired', { detail: `${name} has no pairing` });
  return own;
}

/**
 * The paired card that is in; of several the one that the person chooses.
 * @throws AgentError `no-card`, `no-identity` (another card), `key-conflict`, `contactless`, `card-lost`, `cancelled`
 */
export async function ownCard(
  name: Username,
  policy: Policy,
  own: readonly Pairing[],
  person: Conversation,
  { pairings, tokens }: OwnCardParts,
): Promise<PairedCard> {
  const found = findPairedIdentities(await tokens.present(CARD_READING_MS), own);
  switch (found.kind) {
    case 'found': {
      const reachable = found.cards.filter(({ token }) => permitReader(policy, token.slot));
      const [first, ...others] = lastUsedFirst(reachable, pairings.lastUses(name));
      if (first === undefined) throw new AgentError('contactless');
      const card = await requireChoice([first, ...others], person);
      requireNotLost(lostCard(card, pairings));
      return card;
    }
    case 'conflict':
      throw new AgentError('key-conflict');
    case 'other-card':
      throw new AgentError('no-identity');
    case 'no-card':
      throw tokens.unread?.() ?? new AgentError('no-card');
  }
}
