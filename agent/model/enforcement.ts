// What `sc_auth enforce` has set and what it goes by. Data only: policy/permit-without-card.ts decides.

import type { Pkhh } from './key/key.ts';
import type { Username } from './request.ts';

export type EnforcementState =
  | { readonly kind: 'off' }
  /** On until `untilMs`, unless it is confirmed. */
  | { readonly kind: 'trial'; readonly sinceMs: number; readonly untilMs: number; readonly by: string }
  | { readonly kind: 'on'; readonly sinceMs: number; readonly by: string };

/** The account needs no card until then. */
export interface Exemption {
  readonly user: Username;
  readonly untilMs: number;
  /** Login name of who gave it. */
  readonly by: string;
  readonly madeAtMs: number;
  /** Empty: none was given. */
  readonly reason: string;
}

/** All that is kept of the break-glass code. */
export interface CodeHash {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** The last login of an account by one key. */
export interface CardLogin {
  readonly user: Username;
  readonly pkhh: Pkhh;
  /** By [mapping], without a pairing. */
  readonly mapped: boolean;
  readonly atMs: number;
}
