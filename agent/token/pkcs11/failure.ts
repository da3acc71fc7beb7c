// What a module's CKR_… means to a person: one table for every code of the specification. A code that is not in it is the
// module's failure, by its number. What C_Login and C_SetPIN answer is looked at a second time (pin-outcome.ts).
// Specification: PKCS #11 2.40, 5.1; 3.0 and 3.1, pkcs11t.h.

import pkcs11js from 'pkcs11js';
import { AgentError, type AgentErrorCode } from '../../base/errors.ts';

/** By what the person can do about it. */
const meanings: Readonly<Partial<Record<AgentErrorCode, Readonly<Record<string, number>>>>> = {
  'wrong-pin': { PIN_INCORRECT: 0xa0 },
  'pin-blocked': { PIN_LOCKED: 0xa4 },
  'pin-malformed': { PIN_INVALID: 0xa1, PIN_LEN_RANGE: 0xa2, PIN_TOO_WEAK: 0x1b8 },
  'pin-expired': { PIN_EXPIRED: 0xa3, NEW_PIN_MODE: 0x1b0 },
  'pin-not-set': { USER_PIN_NOT_INITIALIZED: 0x102 },
  'no-card': {
    ...{ SLOT_ID_INVALID: 0x03, DEVICE_REMOVED: 0x32 },
    ...{ TOKEN_NOT_PRESENT: 0xe0, TOKEN_NOT_RECOGNIZED: 0xe1 },
  },
  // Somebody else is at it, or at all that it has room for.
  'card-busy': {
    ...{ SESSION_COUNT: 0xb1, SESSION_EXISTS: 0xb6, SESSION_READ_ONLY_EXISTS: 0xb7 },
    ...{ SESSION_READ_WRITE_SO_EXISTS: 0xb8, OPERATION_ACTIVE: 0x90, USER_ALREADY_LOGGED_IN: 0x100 },
    ...{ USER_ANOTHER_ALREADY_LOGGED_IN: 0x104, USER_TOO_MANY_TYPES: 0x105 },
    ...{ TOKEN_RESOURCE_EXCEEDED: 0x201, PENDING: 0x204 },
  },
  cancelled: { CANCEL: 0x01, FUNCTION_CANCELED: 0x50, FUNCTION_REJECTED: 0x200 },
  'not-supported': {
    ...{ ACTION_PROHIBITED: 0x1b, FUNCTION_NOT_SUPPORTED: 0x54, FUNCTION_NOT_PARALLEL: 0x51 },
    ...{ MECHANISM_INVALID: 0x70, MECHANISM_PARAM_INVALID: 0x71, SESSION_PARALLEL_NOT_SUPPORTED: 0xb4 },
    ...{ SESSION_READ_ONLY: 0xb5, TOKEN_WRITE_PROTECTED: 0xe2, USER_TYPE_INVALID: 0x103, NEXT_OTP: 0x1b1 },
    ...{ RANDOM_SEED_NOT_SUPPORTED: 0x120, CURVE_NOT_SUPPORTED: 0x140, SESSION_ASYNC_NOT_SUPPORTED: 0x205 },
    ...{ KEY_SIZE_RANGE: 0x62, KEY_TYPE_INCONSISTENT: 0x63, KEY_FUNCTION_NOT_PERMITTED: 0x68 },
  },
  'card-fault': {
    ...{ DEVICE_ERROR: 0x30, DEVICE_MEMORY: 0x31, DATA_INVALID: 0x20, DATA_LEN_RANGE: 0x21 },
    ...{ ENCRYPTED_DATA_INVALID: 0x40, ENCRYPTED_DATA_LEN_RANGE: 0x41, AEAD_DECRYPT_FAILED: 0x42 },
    ...{ KEY_CHANGED: 0x65, KEY_EXHAUSTED: 0x203, SIGNATURE_INVALID: 0xc0, SIGNATURE_LEN_RANGE: 0xc1 },
    ...{ RANDOM_NO_RNG: 0x121, PUBLIC_KEY_INVALID: 0x1b9, FIPS_SELF_TEST_FAILED: 0x1b6 },
    ...{ EXCEEDED_MAX_ITERATIONS: 0x1b5 },
  },
  'module-fault': {
    ...{ HOST_MEMORY: 0x02, GENERAL_ERROR: 0x05, FUNCTION_FAILED: 0x06, ARGUMENTS_BAD: 0x07, NO_EVENT: 0x08 },
    ...{
      NEED_TO_CREATE_THREADS: 0x09,
      CANT_LOCK: 0x0a,
      ATTRIBUTE_READ_ONLY: 0x10,
      ATTRIBUTE_SENSITIVE: 0x11,
    },
    ...{ ATTRIBUTE_TYPE_INVALID: 0x12, ATTRIBUTE_VALUE_INVALID: 0x13, KEY_HANDLE_INVALID: 0x60 },
    ...{ KEY_NOT_NEEDED: 0x64, KEY_NEEDED: 0x66, KEY_INDIGESTIBLE: 0x67, KEY_NOT_WRAPPABLE: 0x69 },
    ...{ KEY_UNEXTRACTABLE: 0x6a, OBJECT_HANDLE_INVALID: 0x82, OPERATION_NOT_INITIALIZED: 0x91 },
    ...{ SESSION_CLOSED: 0xb0, SESSION_HANDLE_INVALID: 0xb3, TEMPLATE_INCOMPLETE: 0xd0 },
    ...{ TEMPLATE_INCONSISTENT: 0xd1, UNWRAPPING_KEY_HANDLE_INVALID: 0xf0, UNWRAPPING_KEY_SIZE_RANGE: 0xf1 },
    ...{ UNWRAPPING_KEY_TYPE_INCONSISTENT: 0xf2, USER_NOT_LOGGED_IN: 0x101, WRAPPED_KEY_INVALID: 0x110 },
    ...{ WRAPPED_KEY_LEN_RANGE: 0x112, WRAPPING_KEY_HANDLE_INVALID: 0x113, WRAPPING_KEY_SIZE_RANGE: 0x114 },
    ...{ WRAPPING_KEY_TYPE_INCONSISTENT: 0x115, DOMAIN_PARAMS_INVALID: 0x130, BUFFER_TOO_SMALL: 0x150 },
    ...{ SAVED_STATE_INVALID: 0x160, INFORMATION_SENSITIVE: 0x170, STATE_UNSAVEABLE: 0x180 },
    ...{ CRYPTOKI_NOT_INITIALIZED: 0x190, CRYPTOKI_ALREADY_INITIALIZED: 0x191, MUTEX_BAD: 0x1a0 },
    ...{ MUTEX_NOT_LOCKED: 0x1a1, LIBRARY_LOAD_FAILED: 0x1b7, OPERATION_CANCEL_FAILED: 0x202 },
  },
};

interface Meaning {
  readonly name: string;
  readonly code: AgentErrorCode;
}

const known = new Map<number, Meaning>(
  Object.entries(meanings).flatMap(([code, words]) =>
    Object.entries(words).map(([name, number]) => [number, { name, code: code as AgentErrorCode }] as const),
  ),
);

/** `CKR_PIN_EXPIRED (0xa3)`; `CKR 0x80000001` for one that has no name. */
export function nameOf(code: number): string {
  const hex = `0x${code.toString(16)}`;
  const name = known.get(code)?.name;
  return name === undefined ? `CKR ${hex}` : `CKR_${name} (${hex})`;
}

export function failureOfCode(code: number, what: string, cause?: unknown): AgentError {
  return new AgentError(known.get(code)?.code ?? 'module-fault', {
    detail: `${what}: ${nameOf(code)}`,
    cause,
  });
}

/** The CKR_… in what pkcs11js threw; null for anything else. */
export function codeOf(error: unknown): number | null {
  if (error instanceof pkcs11js.Pkcs11Error) return error.code;
  // pkcs11js 2.1 throws its own text in C_CreateObject: `CKR_DEVICE_ERROR:48`, the number in decimal.
  const [, number] = (error instanceof Error && /^CKR_\w+:(\d+)$/.exec(error.message)) || [];
  return number === undefined ? null : Number(number);
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
