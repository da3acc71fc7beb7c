// A pairing: what an administrator or the user decided to trust. The opposite of an Identity, which only claims.

import { sameKey, type Pkhh, type PublicKey } from './key.ts';
import type { TokenId } from './token.ts';
import type { Username } from './request.ts';

export interface Pairing {
  readonly user: Username;
  readonly pkhh: Pkhh;
  /**
   * The key that must sign. null: the administrator gave only a hash and no card was there; the first card that
   * shows a key with this hash and proves it is then fixed here, whole.
   */
  readonly publicKey: PublicKey | null;
  readonly tokenId: TokenId | null;
  readonly driver: string | null;
  /** Safe to print. */
  readonly label: string;
  /** DER, as it was when paired. */
  readonly certificate: Buffer | null;
  /** SPKI of the card's own key (9E), to recognise the card itself. */
  readonly cardKey: Buffer | null;
  /** Who paired it: a login name, `root` for the administrator. */
  readonly pairedBy: string;
  readonly pairedAtMs: number;
}

/** Whether a key with the pairing's hash is the paired one: the hash finds, the whole key decides. */
export function takesKey({ publicKey }: Pairing, key: PublicKey): boolean {
  return publicKey === null || sameKey(publicKey, key);
}
