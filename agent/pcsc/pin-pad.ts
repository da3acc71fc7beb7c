// PIN pads on readers: whether one may be used, and the block that tells it how to send a PIN. Sends nothing itself.
// Specification: PC/SC part 10 (rev. 2.02.09), 2.5.2 (PIN_VERIFY) and 2.6.

import type { PadEntry } from './channel.ts';
import type { ReaderFeatures } from './reader-features.ts';

/** How long the pad waits for the first digit, and for each one after it. */
const ENTRY_SECONDS = 30;

/**
 * Readers that say they have a PIN pad and have none, or one that gives the PIN away: USB ids, as newer versions of
 * the CCID driver switch them off themselves; older ones do not.
 */
const LIARS: ReadonlySet<string> = new Set([
  '03F0:1024', // HP smart card keyboard: the PIN goes to the computer as well
  '03F0:0036', // HP CCID smart card keyboard: the same
  '0BF8:1017', // Fujitsu smart card keyboard: the same
  '0783:0006', // C3PO LTC31 v2
  '076B:3A21', // HID Aviator: a chip that says so, without keys
  '076B:3031', // OMNIKEY 3121, 3021, 1021: the same
  '076B:6632', // OMNIKEY 6121: the same
  '046A:00A7', // Cherry Smart Terminal xx44: the same
  '0BF8:1024', // Fujitsu D323: the same
]);

/** The control code and the limits of a pad that may be used. */
export interface UsablePad {
  readonly controlCode: number;
  readonly minDigits: number;
  readonly maxDigits: number;
}

/**
 * @param denied what the administrator does not trust: USB ids `VVVV:PPPP`, or text that stands in the reader's name
 * @returns null where the reader has no pad, or one that is on a list
 */
export function usablePad(
  reader: string,
  features: ReaderFeatures,
  denied: readonly string[],
): UsablePad | null {
  const { verifyPinDirect, usbId } = features;
  if (verifyPinDirect === null) return null;
  if (usbId !== null && LIARS.has(usbId)) return null;
  const name = reader.toLowerCase();
  for (const one of denied) {
    const isId = /^[0-9A-F]{4}:[0-9A-F]{4}$/i.test(one);
    if (isId ? one.toUpperCase() === usbId : one !== '' && name.includes(one.toLowerCase())) return null;
  }
  return {
    controlCode: verifyPinDirect,
    minDigits: features.minPinDigits ?? 0,
    // 0 is what readers write that have no limit.
    maxDigits: (features.maxPinDigits ?? 0) === 0 ? 255 : (features.maxPinDigits ?? 255),
  };
}

/** PIN_VERIFY_STRUCTURE, packed, least significant byte first. */
export function pinVerifyStructure({ command, blockBytes, minDigits, maxDigits }: PadEntry): Buffer {
  const head = Buffer.from([
    ENTRY_SECONDS, // bTimeOut
    ENTRY_SECONDS, // bTimeOut2, after the first key
    0x82, // bmFormatString: bytes; the PIN at byte 0 of the data, left justified; ASCII
    blockBytes, // bmPINBlockString: no length in the block; the block's size in bytes
    0x00, // bmPINLengthFormat: the length goes nowhere
    maxDigits, // wPINMaxExtraDigit, low byte
    minDigits, // … high byte
    0x02, // bEntryValidationCondition: the OK key
    0x01, // bNumberMessage: one
    0x09,
    0x04, // wLangId: 0409, English
    0x00, // bMsgIndex: "enter PIN"
    0x00,
    0x00,
    0x00, // bTeoPrologue: the reader's business
    ...[0, 0, 0, 0], // ulDataLength
  ]);
  head.writeUInt32LE(command.length, head.length - 4);
  return Buffer.concat([head, command]);
}
