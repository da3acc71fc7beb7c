// What C_Login or C_SetPIN came to, by more than the module's word for it: OpenSC answers USER_NOT_LOGGED_IN to a wrong PIN
// of an OpenPGP card, others FUNCTION_FAILED. A second look at the token's flags says whether a try has gone; where nothing
// says so, the module's word stands (failure.ts), and scauthd counts it as one that may have gone.
// Specification: PKCS #11 2.40, 3.2 (CKF_USER_PIN_…), 5.6 (C_Login).

import { AgentError } from '../../base/errors.ts';
import * as C from './constants.ts';
import { failureOfCode } from './failure.ts';
import { triesLeftOf } from './tries.ts';

const SIGNS = C.CKF_USER_PIN_COUNT_LOW | C.CKF_USER_PIN_FINAL_TRY | C.CKF_USER_PIN_LOCKED;

/** What the flags say after a PIN; null: they cannot be read any more. */
export type SecondLook = () => number | null;

/**
 * @param code not CKR_OK
 * @param before the token's flags before the PIN was sent
 */
export function pinFailure(code: number, what: string, before: number, look: SecondLook): AgentError {
  const failure = failureOfCode(code, what);
  const after = look();
  if (after === null) return failure;
  const { detail } = failure;
  if ((after & C.CKF_USER_PIN_LOCKED) !== 0)
    return new AgentError('pin-blocked', { detail: `${detail}; locked`, triesLeft: 0 });
  const saysWrong = failure.code === 'wrong-pin' || code === C.CKR_USER_NOT_LOGGED_IN;
  if (!saysWrong && (after & ~before & SIGNS) === 0) return failure;
  const left = triesLeftOf(after);
  return new AgentError('wrong-pin', { detail, ...(left !== null && { triesLeft: left }) });
}
