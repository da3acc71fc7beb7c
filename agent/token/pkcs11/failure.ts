// CKR_… codes as meanings. Everything that is not in the table is the token's fault, by its name.
// Specification: PKCS #11 2.40, 5.1.

import pkcs11js from 'pkcs11js';
import { AgentError, type AgentErrorCode } from '../../base/errors.ts';
import * as C from './constants.ts';

const codes = new Map<number, AgentErrorCode>([
  [C.CKR_PIN_INCORRECT, 'wrong-pin'],
  [C.CKR_PIN_LOCKED, 'pin-blocked'],
  [C.CKR_PIN_INVALID, 'pin-malformed'],
  [C.CKR_PIN_LEN_RANGE, 'pin-malformed'],
  [C.CKR_TOKEN_NOT_PRESENT, 'no-card'],
  [C.CKR_TOKEN_NOT_RECOGNIZED, 'no-card'],
  [C.CKR_DEVICE_REMOVED, 'no-card'],
  [C.CKR_SLOT_ID_INVALID, 'no-card'],
  [C.CKR_FUNCTION_CANCELED, 'cancelled'],
  [C.CKR_FUNCTION_NOT_SUPPORTED, 'not-supported'],
  [C.CKR_TOKEN_WRITE_PROTECTED, 'not-supported'],
]);

export function failureOfCode(code: number, what: string, cause?: unknown): AgentError {
  return new AgentError(codes.get(code) ?? 'card-fault', {
    detail: `${what}: CKR 0x${code.toString(16)}`,
    cause,
  });
}

/** The CKR_… in what pkcs11js threw; null for anything else. */
export function codeOf(error: unknown): number | null {
  return error instanceof pkcs11js.Pkcs11Error ? error.code : null;
}

/** Runs one call of the module. @throws AgentError */
export function checked<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = codeOf(error);
    if (code === null) throw error;
    throw failureOfCode(code, what, error);
  }
}
