// A pairing: what an administrator or the user decided to trust. The opposite of an Identity, which only claims.

import { algorithmOfSpki, sameKey, type KeyAlgorithm, type Pkhh, type PublicKey } from './key/key.ts';
import type { TokenId } from './card/token.ts';
import type { BookSource } from './book/book-state.ts';
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
  /** Of the fleet's pairing book; absent: it was made on this machine. */
  readonly book?: BookSource;
}

/** A pairing as lists show it. Its key is named and not parsed: that takes longer than all the rest. */
export interface ListedPairing extends Pick<
  Pairing,
  'user' | 'pkhh' | 'tokenId' | 'driver' | 'label' | 'pairedBy' | 'pairedAtMs' | 'book'
> {
  /** null: no key is known yet. */
  readonly key: { readonly algorithm: KeyAlgorithm | null; readonly sha256: string } | null;
  /** It was said to be lost: no login takes it. */
  readonly lost: boolean;
}

/** What of a pairing says how its card will fare, without its key. */
export type PairedCardFacts = Pick<
  Pairing,
  'user' | 'pkhh' | 'tokenId' | 'driver' | 'label' | 'certificate' | 'cardKey' | 'book'
> &
  Pick<ListedPairing, 'lost'>;

/** @param lost of a pairing that was made or removed just now: it is not */
export function listed({ publicKey, ...pairing }: Pairing, lost = false): ListedPairing {
  const key = publicKey === null ? null : { algorithm: publicKey.algorithm, sha256: publicKey.sha256 };
  return { ...pairing, key, lost };
}

/** Names the key of a row that passed parsePublicKey when it was stored. */
export function listedKey(spki: Uint8Array, sha256: string): ListedPairing['key'] {
  return { algorithm: algorithmOfSpki(spki), sha256 };
}

/** Whether two pairings of one hash mean two keys. */
export function clash(one: Pick<Pairing, 'publicKey'>, other: Pick<Pairing, 'publicKey'>): boolean {
  return one.publicKey !== null && other.publicKey !== null && !sameKey(one.publicKey, other.publicKey);
}

/** Whether a key with the pairing's hash is the paired one: the hash finds, the whole key decides. */
export function takesKey({ publicKey }: Pairing, key: PublicKey): boolean {
  return publicKey === null || sameKey(publicKey, key);
}
