// Whether a card is the one that was paired, as far as its own key (9E) tells, before a PIN goes to it. Pure.

import type { CardKeyProof } from '../agent/model/card/card-key.ts';
import type { Policy } from './policy.ts';

export interface CardFacts {
  /** SPKI of the card key that the pairing keeps; null: it keeps none. */
  readonly paired: Uint8Array | null;
  readonly shown: CardKeyProof;
}

export type CardPermission =
  | { readonly permitted: true }
  | {
      readonly permitted: false;
      readonly rule: 'login.card_check';
      /** `card-unchecked`: it may well be the card, but the driver that reads it cannot ask. */
      readonly reason: 'card-suspect' | 'card-unchecked';
      readonly why: string;
    };

/** `off` asks for nothing; `paired`: a key that the pairing keeps must be proven; `always`: some key must be, too. */
export function permitCard(
  { login: { cardCheck } }: Pick<Policy, 'login'>,
  facts: CardFacts,
): CardPermission {
  const refuse = (
    why: string,
    reason: 'card-suspect' | 'card-unchecked' = 'card-suspect',
  ): CardPermission => ({
    permitted: false,
    rule: 'login.card_check',
    reason,
    why,
  });
  const { paired, shown } = facts;
  if (cardCheck === 'off') return { permitted: true };
  if (cardCheck === 'paired' && paired === null) return { permitted: true };
  // Whoever could choose the driver could else choose one that does not ask.
  if (shown.kind === 'unasked')
    return refuse('the driver of the card cannot ask it for its own key (9E)', 'card-unchecked');
  if (shown.kind === 'none') return refuse('the card has not proved a key of its own (9E)');
  if (shown.kind === 'failed') return refuse(`the card cannot prove its own key (9E): ${shown.detail}`);
  if (paired !== null && !shown.key.spki.equals(paired))
    return refuse('the card has another key of its own (9E) than the card that was paired');
  return { permitted: true };
}
