// Status words → meanings. The only file that knows 63Cx and its kin; nothing above the driver sees a status word.
// Specification: SP 800-73-4 part 2, 3.1 to 3.2 and ISO/IEC 7816-4, table 6. Deviations: NEO (63 0x).

import { AgentError } from '../../base/errors.ts';

declare const statusWordBrand: unique symbol;
export type StatusWord = number & { readonly [statusWordBrand]: true };

export const SW_SUCCESS = 0x9000 as StatusWord;
export const SW_CONDITIONS_NOT_SATISFIED = 0x6985 as StatusWord;
export const SW_WRONG_LENGTH = 0x6700 as StatusWord;
export const SW_NO_ROOM = 0x6a84 as StatusWord;
const SW_AUTHENTICATION_METHOD_BLOCKED = 0x6983;

/** The last two bytes of a response. @throws AgentError `card-fault` for less than two bytes */
export function statusWordOf(response: Buffer): StatusWord {
  if (response.length < 2) throw new AgentError('card-fault', { detail: 'a reply without a status word' });
  return response.readUInt16BE(response.length - 2) as StatusWord;
}

/** 61xx: how many more bytes there are, 256 meaning "256 or more"; null for any other word. */
export function bytesWaiting(sw: StatusWord): number | null {
  return sw >> 8 === 0x61 ? sw & 0xff || 256 : null;
}

/** 6Cxx: the Le that the card wants; null for any other word. */
export function wantedLe(sw: StatusWord): number | null {
  return sw >> 8 === 0x6c ? sw & 0xff : null;
}

/** The tries that a word of VERIFY names; null where it names none. */
function triesLeft(sw: StatusWord): number | null {
  if (sw === SW_AUTHENTICATION_METHOD_BLOCKED) return 0;
  if ((sw & 0xfff0) === 0x63c0) return sw & 0x0f;
  // A NEO says 63 0x. 6300 alone is ISO's "no information", not "none left".
  if ((sw & 0xfff0) === 0x6300 && sw !== 0x6300) return sw & 0x0f;
  return null;
}

/**
 * What an empty VERIFY says: not verified, with the tries left where it names them; verified now; or nothing of either,
 * as of cards that want a PIN with each VERIFY.
 */
export type PinStatus = { readonly triesLeft: number | null } | 'verified' | 'unknown';

/** Reads the answer to an empty VERIFY. */
export function pinStatusOf(sw: StatusWord): PinStatus {
  if (sw === SW_SUCCESS) return 'verified';
  const tries = triesLeft(sw);
  return tries !== null || sw === 0x6300 ? { triesLeft: tries } : 'unknown';
}

/** Whether an empty VERIFY says that the card has no PIN of this reference. */
export function hasNoReference(sw: StatusWord): boolean {
  return sw === 0x6a88 || sw === 0x6a86;
}

/** What a VERIFY with a PIN came to. */
export type VerifyResult =
  { readonly verified: true } | { readonly verified: false; readonly error: AgentError };

/** Reads the answer to a VERIFY with a PIN. `settled` words leave the card unverified by the specification. */
export function verifyResultOf(sw: StatusWord): VerifyResult {
  if (sw === SW_SUCCESS) return { verified: true };
  const tries = triesLeft(sw);
  const detail = `VERIFY: ${hex(sw)}`;
  if (sw === 0x6983)
    return { verified: false, error: new AgentError('pin-blocked', { detail, triesLeft: 0 }) };
  if (tries !== null)
    return { verified: false, error: new AgentError('wrong-pin', { detail, triesLeft: tries }) };
  if (sw === 0x6300) return { verified: false, error: new AgentError('wrong-pin', { detail }) };
  return { verified: false, error: failure('VERIFY', sw) };
}

/**
 * Reads what a VERIFY by the reader's PIN pad came to. The reader has words of its own, with which no try is spent: the
 * card has not seen a PIN (PC/SC part 10, 2.5.2; CCID 1.1, 6.1.11).
 */
export function padResultOf(sw: StatusWord): VerifyResult {
  const detail = `PIN pad: ${hex(sw)}`;
  switch (sw as number) {
    case 0x6400:
      return { verified: false, error: new AgentError('pin-timeout', { detail }) };
    case 0x6401:
      return { verified: false, error: new AgentError('cancelled', { detail }) };
    case 0x6403:
      return { verified: false, error: new AgentError('pin-malformed', { detail }) };
    case 0x6b80:
      return { verified: false, error: new AgentError('card-fault', { detail }) };
    default:
      return verifyResultOf(sw);
  }
}

/** A refusal to sign. With a key that wants a touch the words for "not now" mean that nobody touched it. */
export function signFailure(sw: StatusWord, wantsTouch: boolean): AgentError {
  const refusal = failure('GENERAL AUTHENTICATE', sw);
  const untouched = wantsTouch && (sw === 0x6982 || sw === 0x6985);
  return untouched ? new AgentError('touch-timeout', { detail: refusal.detail }) : refusal;
}

/** Words that mean "this application, object or key is not here" (also 53 00: see certificate-object.ts). */
export function isAbsent(sw: StatusWord): boolean {
  return sw === 0x6a82 || sw === 0x6a88;
}

const meanings = new Map<number, string>([
  [0x6700, 'wrong length'],
  [0x6982, 'security status not satisfied'],
  [0x6983, 'PIN blocked'],
  [0x6984, 'reference data not usable'],
  [0x6985, 'conditions of use not satisfied'],
  [0x6a80, 'incorrect data'],
  [0x6a81, 'function not supported'],
  [0x6a82, 'not found, or the PIV application is not selected'],
  [0x6a86, 'incorrect P1 or P2'],
  [0x6a88, 'no such reference'],
  [0x6d00, 'instruction unknown, or the PIV application is not selected'],
]);

/** A refusal that has no meaning of its own for us. */
export function failure(command: string, sw: StatusWord): AgentError {
  const code = sw === 0x6984 || (command === 'VERIFY' && sw === 0x6a80) ? 'pin-malformed' : 'card-fault';
  return new AgentError(code, { detail: `${command}: ${hex(sw)} ${meanings.get(sw) ?? ''}`.trim() });
}

function hex(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, '0');
}
