// C_Login, C_SetPIN, C_InitToken and C_InitPIN with PINs as bytes. pkcs11js takes them as strings, which cannot be wiped; so
// these functions are called directly, through the module's own function list, with the session that pkcs11js has opened.
// Specification: PKCS #11 2.40, 3.6 (CK_FUNCTION_LIST), 5.5 (C_InitToken, C_InitPIN, C_SetPIN) and 5.6 (C_Login).
// Why: DECISIONS.md D57.

import koffi from 'koffi';
import { AgentError } from '../../base/errors.ts';

/** CK_FUNCTION_LIST: a CK_VERSION padded to a pointer, then the functions in the order of the specification. */
const POINTER_BYTES = 8;
const FUNCTIONS_BEFORE = { C_InitToken: 9, C_InitPIN: 10, C_SetPIN: 11, C_Login: 18 } as const;
/** CK_TOKEN_INFO.label: padded with blanks. */
const LABEL_BYTES = 32;

/** Each returns CKR_…; the bytes are used in place. */
export interface PinFunctions {
  /** `pin` null: typed on the reader (protected authentication path). */
  login(session: Buffer, userType: number, pin: Buffer | null): number;
  /** The session is one for reading and writing. */
  setPin(session: Buffer, old: Buffer, next: Buffer): number;
  /** @param label at most 32 bytes of UTF-8 */
  initToken(slot: Buffer, officer: Buffer, label: string): number;
  /** The security officer is logged in. */
  initPin(session: Buffer, pin: Buffer): number;
}

/** @param path the module, which pkcs11js has loaded already: dlopen(3) gives the same one */
export function pinFunctionsOf(path: string): PinFunctions {
  const library = koffi.load(path);
  const getFunctionList = library.func('unsigned long C_GetFunctionList(_Out_ void **list)');
  const out: [unknown] = [null];
  const again: [unknown] = [null];
  if (getFunctionList(out) !== 0 || out[0] === null || getFunctionList(again) !== 0)
    throw new AgentError('driver-fault', { detail: 'C_GetFunctionList failed' });
  // p11-kit's proxy: what pkcs11js has opened would not be known where we log in.
  if (koffi.address(out[0]) !== koffi.address(again[0]))
    throw new AgentError('driver-fault', {
      detail: 'it gives each caller a state of its own; name the modules of its list: p11-kit list-modules',
    });
  const call = (
    name: keyof typeof FUNCTIONS_BEFORE,
    parameters: string,
  ): ((...values: unknown[]) => number) => {
    const prototype = koffi.proto(`unsigned long ${name}(${parameters})`);
    const pointer: unknown = koffi.decode(out[0], POINTER_BYTES * (1 + FUNCTIONS_BEFORE[name]), 'void *');
    return (...values) => Number(koffi.call(pointer, prototype, ...values));
  };
  const login = call(
    'C_Login',
    'unsigned long session, unsigned long user, const uint8_t *pin, unsigned long length',
  );
  const setPin = call(
    'C_SetPIN',
    'unsigned long session, const uint8_t *old, unsigned long oldLength, const uint8_t *next, unsigned long nextLength',
  );
  const initToken = call(
    'C_InitToken',
    'unsigned long slot, const uint8_t *pin, unsigned long length, const uint8_t *label',
  );
  const initPin = call('C_InitPIN', 'unsigned long session, const uint8_t *pin, unsigned long length');
  const numberOf = (handle: Buffer): bigint => handle.readBigUInt64LE();
  return {
    login: (session, userType, pin) => login(numberOf(session), userType, pin, pin?.length ?? 0),
    setPin: (session, old, next) => setPin(numberOf(session), old, old.length, next, next.length),
    initToken: (slot, officer, label) => {
      const padded = Buffer.alloc(LABEL_BYTES, ' ');
      padded.write(label);
      return initToken(numberOf(slot), officer, officer.length, padded);
    },
    initPin: (session, pin) => initPin(numberOf(session), pin, pin.length),
  };
}
