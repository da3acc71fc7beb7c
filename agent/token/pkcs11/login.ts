// C_Login with the PIN as bytes. pkcs11js takes it as a string, which cannot be wiped; so this one function is called
// directly, through the module's own function list, with the session that pkcs11js has opened.
// Specification: PKCS #11 2.40, 3.6 (CK_FUNCTION_LIST) and 5.6 (C_Login).

import koffi from 'koffi';
import { AgentError } from '../../base/errors.ts';

/** CK_FUNCTION_LIST: a CK_VERSION padded to a pointer, then the functions in the order of the specification. */
const POINTER_BYTES = 8;
const FUNCTIONS_BEFORE_LOGIN = 18;

/** @returns CKR_… ; `pin` null: typed on the reader (protected authentication path) */
export type Login = (session: Buffer, userType: number, pin: Buffer | null) => number;

/** @param path the module, which pkcs11js has loaded already: dlopen(3) gives the same one */
export function loginOf(path: string): Login {
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
  const prototype = koffi.proto(
    'unsigned long C_Login(unsigned long session, unsigned long userType, const uint8_t *pin, unsigned long length)',
  );
  const at = POINTER_BYTES * (1 + FUNCTIONS_BEFORE_LOGIN);
  const pointer: unknown = koffi.decode(out[0], at, 'void *');
  return (session, userType, pin) => {
    const handle = session.readBigUInt64LE();
    return Number(koffi.call(pointer, prototype, handle, userType, pin, pin?.length ?? 0));
  };
}
