// What a card's own key (PIV: 9E, it signs without a PIN) has shown since the card was put in. It says "this is the
// card", never "this is its holder": nothing is granted on it.

import type { PublicKey } from '../key/key.ts';

export type CardKeyProof =
  /** The driver has no way to ask a card for it (PKCS#11 modules show no 9E key): nothing is known of the card. */
  | { readonly kind: 'unasked' }
  /** The card has no such key, or does not use it. */
  | { readonly kind: 'none' }
  /** The key has signed a challenge of ours, in the very transaction in which the card was read. */
  | { readonly kind: 'proven'; readonly key: PublicKey }
  /** The card shows this key and its signature is another's: it may be a copy. */
  | { readonly kind: 'failed'; readonly key: PublicKey; readonly detail: string };

export const CARD_KEY_UNASKED: CardKeyProof = { kind: 'unasked' };
export const NO_CARD_KEY: CardKeyProof = { kind: 'none' };
