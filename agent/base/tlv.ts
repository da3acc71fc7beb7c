// BER-TLV as cards use it (ISO/IEC 7816-4, 5.2.2) and the DER subset of keys (X.690).
// Subset: tags of one to three bytes, definite lengths of up to three length bytes. Indefinite lengths, longer
// forms and lengths past the end are refused. Nothing here recurses: callers open what they expect.

import { AgentError } from './errors.ts';

export interface Tlv {
  /** The tag bytes as one number: 0x53, 0x5FC105, 0x7F61. */
  readonly tag: number;
  /** A view into the input. */
  readonly value: Buffer;
}

function readTag(bytes: Buffer, offset: number): { tag: number; next: number } {
  let next = offset;
  const first = bytes[next++];
  if (first === undefined) throw new AgentError('malformed', { detail: 'TLV: no tag' });
  let tag = first;
  if ((first & 0x1f) === 0x1f) {
    for (let more = true; more;) {
      const byte = bytes[next++];
      if (byte === undefined) throw new AgentError('malformed', { detail: 'TLV: tag cut off' });
      if (next - offset > 3)
        throw new AgentError('malformed', { detail: 'TLV: tag of more than three bytes' });
      tag = tag * 256 + byte;
      more = (byte & 0x80) !== 0;
    }
  }
  return { tag, next };
}

function readLength(bytes: Buffer, offset: number): { length: number; next: number } {
  const first = bytes[offset];
  if (first === undefined) throw new AgentError('malformed', { detail: 'TLV: no length' });
  if (first < 0x80) return { length: first, next: offset + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 3) throw new AgentError('malformed', { detail: `TLV: length form ${first}` });
  if (offset + 1 + count > bytes.length) throw new AgentError('malformed', { detail: 'TLV: length cut off' });
  return { length: bytes.readUIntBE(offset + 1, count), next: offset + 1 + count };
}

/**
 * Parses one TLV at the front of `bytes`.
 * @returns the TLV and what follows it
 * @throws AgentError `malformed`
 */
export function readTlv(bytes: Uint8Array): [Tlv, Buffer] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { tag, next: lengthAt } = readTag(buffer, 0);
  const { length, next } = readLength(buffer, lengthAt);
  if (length > buffer.length - next) throw new AgentError('malformed', { detail: 'TLV: value past the end' });
  return [{ tag, value: buffer.subarray(next, next + length) }, buffer.subarray(next + length)];
}

/**
 * Parses a sequence of TLVs that fills `bytes` exactly.
 * @throws AgentError `malformed`, also for more than 64 elements
 */
export function readTlvs(bytes: Uint8Array): Tlv[] {
  const found: Tlv[] = [];
  let rest: Buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  while (rest.length > 0) {
    if (found.length === 64) throw new AgentError('malformed', { detail: 'TLV: more than 64 elements' });
    const [tlv, after] = readTlv(rest);
    found.push(tlv);
    rest = after;
  }
  return found;
}

/**
 * Parses one TLV of the given tag that fills `bytes` exactly.
 * @throws AgentError `malformed` for another tag or trailing bytes
 */
export function readOnly(bytes: Uint8Array, tag: number): Buffer {
  const [tlv, rest] = readTlv(bytes);
  if (tlv.tag !== tag) {
    throw new AgentError('malformed', {
      detail: `TLV: tag ${tlv.tag.toString(16)}, expected ${tag.toString(16)}`,
    });
  }
  if (rest.length > 0) throw new AgentError('malformed', { detail: `TLV: ${rest.length} trailing bytes` });
  return tlv.value;
}

/** The first value with this tag, or undefined. */
export function findTlv(tlvs: readonly Tlv[], tag: number): Buffer | undefined {
  return tlvs.find((tlv) => tlv.tag === tag)?.value;
}

/** Builds a TLV; the length in its shortest form. */
export function writeTlv(tag: number, value: Uint8Array): Buffer {
  const tagBytes =
    tag > 0xffff ? [tag >> 16, (tag >> 8) & 0xff, tag & 0xff] : tag > 0xff ? [tag >> 8, tag & 0xff] : [tag];
  const n = value.length;
  const length =
    n < 0x80
      ? [n]
      : n < 0x100
        ? [0x81, n]
        : n < 0x10000
          ? [0x82, n >> 8, n & 0xff]
          : [0x83, n >> 16, (n >> 8) & 0xff, n & 0xff];
  return Buffer.concat([Buffer.from([...tagBytes, ...length]), value]);
}
