// What a card is called where PKCS#11 shows it: the label of CK_TOKEN_INFO, without the blanks behind it. It says which card
// opened a session (PKCS11_LOGIN_TOKEN_NAME).
// Why: DECISIONS.md D241.

/** Bytes of the field. */
export const TOKEN_NAME_BYTES = 32;

/** Whether it fits, and has no control characters. */
export function isTokenName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= TOKEN_NAME_BYTES && !/\p{Cc}/u.test(name);
}
