// What was said to be lost: a key, or a card by its serial number. It outlives pairings: who has found the card must not
// get it paired again.

import { AgentError } from '../base/errors.ts';
import type { TokenId } from './card/token.ts';
import type { Username } from './request.ts';

export interface Lost {
  /** A key by its hash; a card by its serial number, with all keys that it has or will have. */
  readonly kind: 'key' | 'card';
  /** A hash (pkhh), or a serial number in capital letters. */
  readonly name: string;
  /** Of the card that the key was on, where that is known; of a card its own. */
  readonly serial: string | null;
  /** Whose it was; null: nobody's who is known. */
  readonly user: Username | null;
  /** Who said so: a login name. */
  readonly by: string;
  readonly atMs: number;
}

/** The part of a token id behind its driver, in capital letters: a PIV card's GUID, or its maker's number. */
export function serialOf(id: TokenId): string {
  return id.slice(id.indexOf(':') + 1).toUpperCase();
}

/** As typed, or a whole token id. @throws AgentError `invalid-argument` */
export function parseSerial(text: string): string {
  const serial = text.slice(text.indexOf(':') + 1).toUpperCase();
  if (!/^[A-Z0-9._-]{1,100}$/.test(serial))
    throw new AgentError('invalid-argument', {
      say: 'a serial number is what stands behind DRIVER-ID: in sc_auth list-smartcards',
    });
  return serial;
}
