// What a card that is to be set up says of itself, and what it is to become. Claims, like all else that a card says.

import type { Pin } from '../../base/pin.ts';
import type { FactorySecrets } from './factory-secrets.ts';
import type { KeyAlgorithm, PublicKey } from '../key/key.ts';
import type { PinState, PinTry, TouchPolicy } from './token.ts';

/** The secrets of a card as it leaves its factory, of all makers that have Yubico's instructions. */
export const FACTORY_PIN = '123456';
export const FACTORY_PUK = '12345678';

export interface CardLook {
  /** `5.7.1`. */
  readonly firmware: string;
  /** The maker's number; null: it does not say. */
  readonly serial: string | null;
  /** Its metadata are asked: without them nobody knows of a key that has no certificate. */
  readonly hasMetadata: boolean;
  readonly secrets: FactorySecrets;
  readonly pin: PinState;
  readonly puk: PinState;
  /** A setup of ours has begun on it and not come to its end. */
  readonly begun: boolean;
  /** Places with a key or certificate that no unfinished setup of ours has put there. */
  readonly inUse: readonly string[];
}

/** The key for logins that is to be made. */
export interface NewKey {
  readonly algorithm: KeyAlgorithm;
  readonly pinPolicy: 'once' | 'always';
  readonly touchPolicy: TouchPolicy;
}

/** What chips of machines make, and logins take. */
export type MachineKeyAlgorithm = Extract<KeyAlgorithm, 'p256' | 'p384'>;

export interface IssueOrder {
  /** The PIN that the card has now. */
  readonly pin: PinTry & { readonly pin: Pin };
  /** The one that it is to have; null: it stays. */
  readonly nextPin: Pin | null;
  /** null: it stays. The person has it already. */
  readonly nextPuk: Pin | null;
  readonly key: NewKey;
  /** What the certificates say whose card it is. */
  readonly holder: string;
  /** Whether a certificate is to be asked for at an authority (PKCS#10). */
  readonly wantsRequest: boolean;
  /** Called right before the card waits to be touched. */
  readonly beforeTouch: () => void;
}

export interface Issued {
  /** The key for logins. */
  readonly publicKey: PublicKey;
  /** DER; null: none was wanted. */
  readonly request: Buffer | null;
}

/** Why a new PIN will not do for a card that is set up. */
export type WeakPin = 'too-short' | 'factory' | 'few-characters' | 'ladder';
