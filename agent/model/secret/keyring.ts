// A login keyring that a card opens: what is kept for it. The secret itself is only ever in here sealed.

import type { Pkhh, PublicKey } from '../key/key.ts';
import type { Username } from '../request.ts';

export interface KeptSecret {
  readonly user: Username;
  /** The pairing with the same card. */
  readonly pkhh: Pkhh;
  /** The card's key for key management, to which it is sealed. */
  readonly key: PublicKey;
  /** As sealSecret made it. */
  readonly sealed: Buffer;
  /** Names the account's password of that time (PasswordMarks); null: it was not known. */
  readonly passwordMark: Buffer | null;
  readonly sealedAtMs: number;
}

/**
 * Names the password that an account has now, without saying what it is.
 * @returns null for accounts whose passwords are not kept on this machine
 */
export type PasswordMarks = (user: Username) => Promise<Buffer | null>;
