// What a machine keeps of the pairing book: items whose signatures it has verified. That one is kept says that it was
// signed; whether it counts now is asked at each look (policy/permit-book.ts).

import type { Pkhh } from '../key/key.ts';
import type { Username } from '../request.ts';

export interface BookOfficer {
  /** SHA-256 of the key, 64 upper-case hex digits: its name. */
  readonly sha256: string;
  readonly pkhh: Pkhh;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly role: 'officer' | 'head';
  /** Safe to print. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly hosts: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly number: number;
  /** Root has named the key; false: officers have. */
  readonly pinned: boolean;
}

export interface BookRecord {
  readonly user: Username;
  readonly pkhh: Pkhh;
  readonly sha256: string;
  readonly spki: Buffer;
  readonly cardKey: Buffer | null;
  readonly label: string;
  readonly number: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Who signed it, by SHA-256 of the key. */
  readonly officer: string;
  /** SHA-256 of the whole line: one that was verified is not verified again. */
  readonly lineHash: Buffer;
  /** It is a login's: `uses` says so. */
  readonly forLogin: boolean;
  /** The account is in a group that the officer may pair, as the name service said when it was last asked. */
  readonly inScope: boolean;
}

/** A record as it is kept, and what stands against it at this moment. */
export interface KeptRecord extends BookRecord {
  /** The book still has the line. */
  readonly present: boolean;
  /** It was in scope once: a card may be required of the account, whatever becomes of the record. */
  readonly binds: boolean;
  /** A head has said no to its key or its number. */
  readonly revoked: boolean;
  /** It was unpaired on this machine. */
  readonly denied: boolean;
}

/** The newest head that was taken. */
export interface BookHead {
  readonly epoch: number;
  readonly issuedMs: number;
  readonly untilMs: number;
  /** SHA-256 of what it says, all parts: a second one of the same epoch says something else, or is it again. */
  readonly hash: string;
}

/** Where the rows of the book come from, for whoever is shown a pairing. */
export interface BookSource {
  /** The officer who signed it. Safe to print. */
  readonly officer: string;
  /** SHA-256 of the officer's key. */
  readonly officerKey: string;
  readonly number: number;
  readonly notAfterMs: number;
}

export type BookFreshness =
  | 'off'
  | 'fresh'
  /** No head was ever taken: nothing says what is revoked. */
  | 'no-head'
  | 'stale'
  /** The clock is behind a time that this machine has had before. */
  | 'clock-set-back';

/** How the book stands on this machine. */
export interface FleetStanding {
  readonly freshness: BookFreshness;
  readonly head: BookHead | null;
  /** How old the head is; null: there is none. */
  readonly ageMs: number | null;
  readonly records: number;
  /** What somebody should look at; null: nothing. */
  readonly problem: string | null;
}

export const NO_FLEET: FleetStanding = {
  freshness: 'off',
  head: null,
  ageMs: null,
  records: 0,
  problem: null,
};
