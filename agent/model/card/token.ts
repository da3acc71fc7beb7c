// What a card says of itself. Everything here is a claim: it comes from the card and proves nothing.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { Certificate, PublicKey } from '../key/key.ts';

declare const tokenIdBrand: unique symbol;
/** `DRIVER-ID:SERIAL`, as `sc_auth list-smartcards` prints it. A name, not an identity: it can be cloned. */
export type TokenId = string & { readonly [tokenIdBrand]: true };

/**
 * @throws AgentError `invalid-argument` unless `text` is DRIVER-ID:SERIAL of letters, digits, `.`, `_` and `-`
 */
export function parseTokenId(text: string): TokenId {
  if (!/^[A-Za-z0-9._-]{1,100}:[A-Za-z0-9._-]{1,100}$/.test(text)) {
    throw new AgentError('invalid-argument', { say: 'a token id is DRIVER-ID:SERIAL' });
  }
  return text as TokenId;
}

/** What the holder made the key for. Only `authentication` is ever offered for login. */
export type KeyUse = 'authentication' | 'signature' | 'key-management' | 'card-authentication' | 'retired';

/** When the card wants to be touched before it uses a key; null: it does not say. */
export type TouchPolicy = 'never' | 'always' | 'cached';

/** When a key wants the PIN: once until the card is reset, before each use, or not at all. */
export type PinPolicy = 'never' | 'once' | 'always';

/** One key on a token, with its certificate where there is one. */
export interface Identity {
  readonly tokenId: TokenId;
  /** The driver's name for the place, e.g. `9A`. */
  readonly slot: string;
  readonly use: KeyUse;
  readonly publicKey: PublicKey;
  readonly certificate: Certificate | null;
  /** `TOKEN LABEL:CERTIFICATE LABEL (HOLDER)`, safe to print. */
  readonly label: string;
  /** The id of the PIN (CardPin) that opens it. */
  readonly pin: string;
  readonly touch: TouchPolicy | null;
  /** Absent, and null: the card does not say. */
  readonly pinPolicy?: PinPolicy | null;
}

/** One of a token's PINs. Most tokens have one; PKCS#11 tokens may have one for each key. */
export interface CardPin {
  /** The driver's name for it, e.g. `80` (PIV, the PIN's key reference). */
  readonly id: string;
  /** Safe to print, e.g. `PIV Card Application PIN`. */
  readonly label: string;
  /** Where it is typed: at the computer, or on the reader's own PIN pad (no Pin is ever handed over then). */
  readonly entry: 'computer' | 'reader';
}

/** What most cards have in all; so many are taken to be there where a card does not say how many are left. */
export const USUAL_TRIES = 3;

/** What a token knows of its PIN before one is asked for. */
export interface PinState {
  /** Tries left; null when the card does not say (it was verified by somebody else, or has no counter). */
  readonly triesLeft: number | null;
  /** Total tries, where the card says so. */
  readonly triesTotal: number | null;
  /** Wrong PINs that are known of and that nothing has made good (wrong-pins.ts); left out: none. */
  readonly wrong?: number;
}

/**
 * Whether a PIN may be sent, asked with what is known of its tries when it is about to be.
 * @throws AgentError `pin-reserve`, `pin-blocked`, `pin-not-yours`: it may not
 */
export type TryPermit = (now: PinState) => void;

/** A PIN on its way to the card, and who says whether a try is used for it. */
export interface PinTry {
  /** null: typed on the reader. Whoever gets it wipes it. */
  readonly pin: Pin | null;
  readonly permit: TryPermit;
}

/**
 * Bytes of what a card is called where PKCS#11 shows it: the label of CK_TOKEN_INFO, without the blanks behind it. It says
 * which card opened a session (PKCS11_LOGIN_TOKEN_NAME). Why: DECISIONS.md D241.
 */
export const TOKEN_NAME_BYTES = 32;

/** Whether it fits, and has no control characters. */
export function isTokenName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= TOKEN_NAME_BYTES && !/\p{Cc}/u.test(name);
}
