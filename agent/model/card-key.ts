// What a card's own key (PIV: 9E, it signs without a PIN) has shown since the card was put in. It says "this is the
// card", never "this is its holder": nothing is granted on it.

import type { PublicKey } from './key.ts';

export type CardKeyProof =
  /** The card has no such key, or its driver cannot ask it. */
  | { readonly kind: 'none' }
  /** The key has signed a challenge of ours, in the very transaction in which the card was read. */
  | { readonly kind: 'proven'; readonly key: PublicKey }
  /** The card shows this key and its signature is another's: it may be a copy. */
  | { readonly kind: 'failed'; readonly key: PublicKey; readonly detail: string };

export const NO_CARD_KEY: CardKeyProof = { kind: 'none' };
