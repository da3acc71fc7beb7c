// What a reader says that it can do: extended APDUs, a PIN pad, its USB id; or what is known of it by name.
// A reader that says nothing counts as one that cannot. Specification: PC/SC part 10, 2.2, 2.3 and 2.6.

import * as C from './constants.ts';
import type { WinscardLibrary } from './library.ts';

export interface ReaderFeatures {
  readonly extendedLength: boolean;
  /** The control code of FEATURE_VERIFY_PIN_DIRECT; null: no PIN pad. */
  readonly verifyPinDirect: number | null;
  /** What the pad says of its limits; null where it says nothing. */
  readonly minPinDigits: number | null;
  readonly maxPinDigits: number | null;
  /** `VVVV:PPPP`, hex, upper case. */
  readonly usbId: string | null;
}

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

/** A property's number, least significant byte first; null where it is absent, or of another length than `bytes`. */
function number(properties: Map<number, Buffer>, tag: number, bytes: 1 | 2 | 4): number | null {
  const value = properties.get(tag);
  return value?.length === bytes ? value.readUIntLE(0, bytes) : null;
}

/** The known answer for a reader of this name, or null: ask it. */
export function knownExtendedLength(reader: string): boolean | null {
  return knownToTakeExtended.some((pattern) => pattern.test(reader)) ? true : null;
}

/** Asks the reader: two SCardControl at most, and nothing goes to the card. */
export async function askFeatures(library: WinscardLibrary, card: number): Promise<ReaderFeatures> {
  const codes = await ask(library, card, C.CM_IOCTL_GET_FEATURE_REQUEST);
  const code = (feature: number): number | null => {
    const value = codes.get(feature);
    // Control codes come most significant byte first, unlike the properties.
    return value?.length === 4 ? value.readUInt32BE() : null;
  };
  const tlv = code(C.FEATURE_GET_TLV_PROPERTIES);
  const properties = tlv === null ? new Map<number, Buffer>() : await ask(library, card, tlv);
  const vendor = number(properties, C.PCSCv2_PART10_PROPERTY_wIdVendor, 2);
  const product = number(properties, C.PCSCv2_PART10_PROPERTY_wIdProduct, 2);
  return {
    extendedLength: (number(properties, C.PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize, 4) ?? 0) > 256,
    verifyPinDirect: code(C.FEATURE_VERIFY_PIN_DIRECT),
    minPinDigits: number(properties, C.PCSCv2_PART10_PROPERTY_bMinPINSize, 1),
    maxPinDigits: number(properties, C.PCSCv2_PART10_PROPERTY_bMaxPINSize, 1),
    usbId: vendor === null || product === null ? null : `${hex(vendor)}:${hex(product)}`,
  };
}

async function ask(library: WinscardLibrary, card: number, code: number): Promise<Map<number, Buffer>> {
  const { rv, reply } = await library.control(card, code);
  return rv === C.SCARD_S_SUCCESS ? elements(reply) : new Map<number, Buffer>();
}

function hex(id: number): string {
  return id.toString(16).toUpperCase().padStart(4, '0');
}
