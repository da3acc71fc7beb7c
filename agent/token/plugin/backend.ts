// What a token whose driver is a process of its own asks of that process.

import type { Pin } from '../../base/pin.ts';
import type { Admit, ToldTries } from '../../model/card/pin-tries.ts';
import type { CardPin } from '../../model/card/token.ts';
import type { ProofInHand } from '../interface.ts';
import type { JsonObject } from './frames.ts';

/**
 * How a driver's process is asked about one token, there where it was seen; wipes the PINs that it is given, and sends none
 * before `admit`.
 */
export interface TokenBackend {
  pinState(pin: string): Promise<ToldTries>;
  sign(key: string, pin: CardPin, message: Buffer, secret: Pin | null, admit: Admit): Promise<ProofInHand>;
  verifyPin(pin: CardPin, secret: Pin | null, admit: Admit): Promise<void>;
  /** Absent where this kind of driver has no way to. */
  changePin?(pin: CardPin, old: Pin, next: Pin, admit: Admit): Promise<void>;
  /** Calls that change the keys on the token. Absent where this kind of driver has none. */
  changeKeys?<T>(
    change: KeyChange,
    pin: CardPin,
    secret: Pin | null,
    admit: Admit,
    parse: (answer: JsonObject) => T,
  ): Promise<T>;
}

export interface KeyChange {
  readonly method: 'createKey' | 'signDocument' | 'putCertificate' | 'deleteKeys';
  readonly params: JsonObject;
}
