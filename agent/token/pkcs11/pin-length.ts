// How long a PIN may be, in bytes, from what a module says of its token. Pure.
// Specification: PKCS #11 2.40, 3.2 (CK_TOKEN_INFO, ulMinPinLen and ulMaxPinLen).

const MAX_PIN_BYTES = 255;

/**
 * Modules also write 0 or CK_UNAVAILABLE_INFORMATION there, in either field, and a PIN outside the bounds is never sent:
 * bounds that no PIN can be within say nothing, and the card judges.
 */
export function pinLengths(min: number, max: number): { minLength: number; maxLength: number } {
  const minLength = min >= 1 && min <= MAX_PIN_BYTES ? min : 1;
  const maxLength = max >= 1 && max <= MAX_PIN_BYTES ? max : MAX_PIN_BYTES;
  return minLength <= maxLength ? { minLength, maxLength } : { minLength: 1, maxLength: MAX_PIN_BYTES };
}
