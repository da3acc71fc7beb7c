// What a card's maker says of a key: an attestation certificate of the slot (YubiKey: INS F9) and what can be read in
// it. The decision is policy/permit-attestation.ts.

import type { TouchPolicy } from './token.ts';

/** When a key wants the PIN. */
export type PinPolicy = 'never' | 'once' | 'always';

/** As the card gives it: DER, not looked at yet. */
export interface Attestation {
  /** For the key of a slot. */
  readonly certificate: Buffer;
  /** The card's own attesting certificate (YubiKey: of slot F9). */
  readonly intermediate: Buffer;
}

export interface AttestationFindings {
  /** null: the maker's root vouches for the key, and it was made on the card; else why not, safe to print. */
  readonly fault: string | null;
  readonly pinPolicy: PinPolicy | null;
  readonly touchPolicy: TouchPolicy | null;
  /** `5.7.1`; null: it is not said. */
  readonly firmware: string | null;
  readonly serial: string | null;
}
