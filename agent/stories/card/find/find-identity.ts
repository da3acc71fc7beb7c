// Which of the user's pairings are on cards that are in now.

import type { Pkhh } from '../../../model/key/key.ts';
import { takesKey, type Pairing } from '../../../model/pairing.ts';
import type { Identity } from '../../../model/card/token.ts';
import type { Token } from '../../../token/interface.ts';

export interface OnCard {
  readonly token: Token;
  readonly identity: Identity;
}

/** What a pairing keeps of a card that is in. */
export function seenOn({
  token,
  identity,
}: OnCard): Omit<Pairing, 'user' | 'cardKey' | 'pairedBy' | 'pairedAtMs'> {
  return {
    pkhh: identity.publicKey.pkhh,
    publicKey: identity.publicKey,
    tokenId: token.id,
    driver: token.driver,
    label: identity.label,
    certificate: identity.certificate?.der ?? null,
  };
}

/** A paired key on a card that is in. */
export interface PairedCard extends OnCard {
  readonly pairing: Pairing;
}

export type Found =
  /** At least one; on several cards, or several keys of one. */
  | { readonly kind: 'found'; readonly cards: readonly [PairedCard, ...PairedCard[]] }
  /** Only a key with the paired hash that is not the paired key: a collision or a copy gone wrong. */
  | { readonly kind: 'conflict'; readonly identity: Identity }
  | { readonly kind: 'other-card' }
  | { readonly kind: 'no-card' };

/**
 * Looks through all tokens; only authentication keys count: a key for signing documents is never offered, even where
 * somebody paired its hash. The hash finds, the whole key decides.
 */
export function findPairedIdentities(tokens: readonly Token[], pairings: readonly Pairing[]): Found {
  if (tokens.length === 0) return { kind: 'no-card' };
  const cards: PairedCard[] = [];
  let conflict: Identity | null = null;
  for (const token of tokens) {
    for (const identity of token.identities) {
      if (identity.use !== 'authentication') continue;
      const pairing = pairings.find((candidate) => candidate.pkhh === identity.publicKey.pkhh);
      if (pairing === undefined) continue;
      if (takesKey(pairing, identity.publicKey)) cards.push({ token, identity, pairing });
      else conflict ??= identity;
    }
  }
  const [first, ...others] = cards;
  if (first !== undefined) return { kind: 'found', cards: [first, ...others] };
  return conflict === null ? { kind: 'other-card' } : { kind: 'conflict', identity: conflict };
}

/** The card that was used last first; those that never were keep their order, behind. */
export function lastUsedFirst(
  cards: readonly PairedCard[],
  lastUses: ReadonlyMap<Pkhh, number>,
): PairedCard[] {
  const usedAt = ({ pairing }: PairedCard): number => lastUses.get(pairing.pkhh) ?? 0;
  return [...cards].sort((a, b) => usedAt(b) - usedAt(a));
}
