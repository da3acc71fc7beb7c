// Which of the user's pairings is on a card that is in now.

import { sameKey } from '../model/key.ts';
import type { Pairing } from '../model/pairing.ts';
import type { Identity } from '../model/token.ts';
import type { Token } from '../token/interface.ts';

export type Found =
  | { readonly kind: 'found'; readonly token: Token; readonly identity: Identity; readonly pairing: Pairing }
  /** A key with the paired hash that is not the paired key: a collision or a copy gone wrong. */
  | {
      readonly kind: 'conflict';
      readonly token: Token;
      readonly identity: Identity;
      readonly pairing: Pairing;
    }
  | { readonly kind: 'other-card' }
  | { readonly kind: 'no-card' };

/**
 * Looks through the tokens in their order; only authentication keys count. The hash finds, the whole key decides.
 */
export function findPairedIdentity(tokens: readonly Token[], pairings: readonly Pairing[]): Found {
  if (tokens.length === 0) return { kind: 'no-card' };
  for (const token of tokens) {
    for (const identity of token.identities) {
      if (identity.use !== 'authentication') continue;
      const pairing = pairings.find((candidate) => candidate.pkhh === identity.publicKey.pkhh);
      if (pairing === undefined) continue;
      const same = pairing.publicKey === null || sameKey(pairing.publicKey, identity.publicKey);
      return { kind: same ? 'found' : 'conflict', token, identity, pairing };
    }
  }
  return { kind: 'other-card' };
}
