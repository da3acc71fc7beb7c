// BER-TLV as PIV uses it: one- to three-byte tags, definite lengths of up to four bytes.
// The card has its own reader and writer, apart from the agent's, so that a mistake in the one shows against the other.
// Specification: ISO/IEC 7816-4 section 6.3 (BER-TLV), ITU-T X.690.

/** One data object: its tag as a number (0x7F49 for two bytes) and its value. */
export interface Tlv {
  readonly tag: number;
  readonly value: Buffer;
}

/** Writes a tag number as its bytes. */
function tagBytes(tag: number): Buffer {
  if (tag > 0xffff) return Buffer.from([tag >> 16, (tag >> 8) & 0xff, tag & 0xff]);
  if (tag > 0xff) return Buffer.from([tag >> 8, tag & 0xff]);
  return Buffer.from([tag]);
}

/** Writes a length in the shortest definite form. */
export function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  if (length < 0x100) return Buffer.from([0x81, length]);
  if (length < 0x10000) return Buffer.from([0x82, length >> 8, length & 0xff]);
  return Buffer.from([0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
}

/** Writes one data object; several values are put one behind the other. */
export function tlv(tag: number, ...values: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(values);
  return Buffer.concat([tagBytes(tag), lengthBytes(value.length), value]);
}

/** Reads the object at the start of `bytes`; null where it is cut short or its length is of an unknown form. */
function readOne(bytes: Buffer): [Tlv, Buffer] | null {
  let offset = 1;
  let tag = bytes[0];
  if (tag === undefined) return null;
  if ((tag & 0x1f) === 0x1f) {
    for (;;) {
      const next = bytes[offset++];
      if (next === undefined || offset > 3) return null;
      tag = (tag << 8) | next;
      if ((next & 0x80) === 0) break;
    }
  }
  let length = bytes[offset++];
  if (length === undefined || length === 0x80 || length > 0x84) return null;
  if (length > 0x80) {
    const count = length - 0x80;
    if (bytes.length < offset + count) return null;
    length = bytes.readUIntBE(offset, count);
    offset += count;
  }
  if (bytes.length < offset + length) return null;
  return [{ tag, value: bytes.subarray(offset, offset + length) }, bytes.subarray(offset + length)];
}

/** Reads all objects in `bytes`, in order; null where any byte does not fit. */
export function parseTlvs(bytes: Buffer): readonly Tlv[] | null {
  const objects: Tlv[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const one = readOne(rest);
    if (one === null) return null;
    objects.push(one[0]);
    rest = one[1];
  }
  return objects;
}

/** The value of the first object with this tag, or null. */
export function findTlv(objects: readonly Tlv[], tag: number): Buffer | null {
  return objects.find((object) => object.tag === tag)?.value ?? null;
}
