// The PIN's tries as PKCS#11 tells them, and what scauthd was told of them. Between its question to the person and the
// PIN another program may have spent tries: the last one is used only where scauthd knew that it is the last.
// Specification: PKCS #11 2.40, 3.2 (CK_TOKEN_INFO, CKF_USER_PIN_…).

import { AgentError } from '../../base/errors.ts';
import * as C from './constants.ts';

/** Tries left: PKCS#11 has words for it, and only two of them are numbers. */
export function triesLeftOf(flags: number): number | null {
  if ((flags & C.CKF_USER_PIN_LOCKED) !== 0) return 0;
  return (flags & C.CKF_USER_PIN_FINAL_TRY) !== 0 ? 1 : null;
}

/** A wrong PIN was entered since the last right one. */
export function isLow(flags: number): boolean {
  return (flags & (C.CKF_USER_PIN_COUNT_LOW | C.CKF_USER_PIN_FINAL_TRY | C.CKF_USER_PIN_LOCKED)) !== 0;
}

export class ToldTries {
  readonly #told = new Map<string, number | null>();

  /** Notes what scauthd hears now of a token's PIN. */
  tell(token: string, pin: string, triesLeft: number | null): void {
    this.#told.set(`${token}\0${pin}`, triesLeft);
  }

  /** @throws AgentError `pin-reserve` where the last try is left now, and scauthd does not know it yet */
  check(token: string, pin: string, triesLeft: number | null): void {
    const known = this.#told.get(`${token}\0${pin}`);
    this.tell(token, pin, triesLeft);
    if (triesLeft === 1 && known !== 1)
      throw new AgentError('pin-reserve', {
        detail: 'tries were spent meanwhile; the last one is kept',
        triesLeft,
      });
  }
}
