// What there is on this machine beside keys and pairings: token drivers, readers with their drivers, and what is known
// of a certificate's trust. Facts for people (`sc_auth drivers`, `sc_auth profile`); no login is decided on them.

import type { AgentError } from '../base/errors.ts';
import type { DriverInfo } from './card/driver.ts';
import type { Certificate } from './key/key.ts';
import type { TokenId } from './card/token.ts';
import type { PathLink } from './key/trust.ts';

/** What is in a reader. `reading`: a driver is looking at the card; `unknown`: no driver knows it. */
export type ReaderState = 'empty' | 'reading' | 'ready' | 'unknown' | 'mute' | 'broken';

export interface ReaderInfo {
  /** As pcscd gives it. Not safe to print. */
  readonly name: string;
  readonly state: ReaderState;
  readonly atr: Buffer | null;
  readonly tokenId: TokenId | null;
  /** Why a card is broken. */
  readonly error: AgentError | null;
}

/** A driver of pcscd's. */
export interface ReaderDriverInfo {
  /** Bundle identifier, or the reader's name for a driver of a serial port. Not safe to print. */
  readonly id: string;
  readonly version: string | null;
  readonly path: string;
}

/** The words of `sc_auth profile`. */
export type TrustWord = 'YES' | 'NO' | 'Not evaluated';

export interface TrustWords {
  /** For a TLS client. */
  readonly ssl: TrustWord;
  /** Chain and validity alone. */
  readonly x509: TrustWord;
  /** Why not; safe to print. */
  readonly detail: string | null;
  /** From the certificate to an authority, as far as the way goes; empty where nobody evaluates trust. */
  readonly chain: readonly PathLink[];
}

/** What is said of each certificate while nobody evaluates trust. */
export const NOT_EVALUATED: TrustWords = {
  ssl: 'Not evaluated',
  x509: 'Not evaluated',
  detail: null,
  chain: [],
};

export interface Inventory {
  /** In the order in which they are asked whose card it is. */
  drivers(): readonly DriverInfo[];
  /** Each reader that pcscd has, also the empty ones. */
  readers(): readonly ReaderInfo[];
  readerDrivers(): readonly ReaderDriverInfo[];
  /** Never rejects for a certificate that is not trusted: that is an answer. */
  trustOf(certificate: Certificate): Promise<TrustWords>;
}

/** What scauthd knows of its own state, for `sc_auth doctor`. */
export interface HealthSource {
  /** Measures of hardening that the system did not let scauthd take. Safe to print. */
  readonly notInForce: readonly string[];
  /** Why the last reload of the settings was refused; null: what is in the files is in force. */
  configRefused(): string | null;
}
