// Whether a reader takes extended APDUs: what it says of itself, or what is known of it by name.
// A reader that says nothing counts as one that does not. Specification: PC/SC part 10, 2.2 and 2.6.14.

import * as C from './constants.ts';
import type { WinscardLibrary } from './library.ts';

/** Readers that answer no SCardControl but are known to pass extended APDUs. */
const knownToTakeExtended: readonly RegExp[] = [
  /^Virtual PCD\b/, // vsmartcard-vpcd passes any APDU of up to 64 KiB
];

/** Elements of PC/SC part 10: one byte of tag, one of length; a list that is cut off ends early. */
function elements(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let offset = 0; offset + 2 <= bytes.length;) {
    const length = bytes.readUInt8(offset + 1);
    if (offset + 2 + length > bytes.length) break;
    found.set(bytes.readUInt8(offset), bytes.subarray(offset + 2, offset + 2 + length));
    offset += 2 + length;
  }
  return found;
}

/** The known answer for a reader of this name, or null: ask it. */
export function knownExtendedLength(reader: string): boolean | null {
  return knownToTakeExtended.some((pattern) => pattern.test(reader)) ? true : null;
}

/**
 * Asks the reader for dwMaxAPDUDataSize: above 256 it takes extended APDUs. False where it does not say.
 */
export async function asksExtendedLength(library: WinscardLibrary, card: number): Promise<boolean> {
  const features = await library.control(card, C.CM_IOCTL_GET_FEATURE_REQUEST);
  if (features.rv !== C.SCARD_S_SUCCESS) return false;
  const code = elements(features.reply).get(C.FEATURE_GET_TLV_PROPERTIES);
  if (code?.length !== 4) return false;
  const properties = await library.control(card, code.readUInt32BE());
  if (properties.rv !== C.SCARD_S_SUCCESS) return false;
  const size = elements(properties.reply).get(C.PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize);
  return size?.length === 4 && size.readUInt32LE() > 256;
}
