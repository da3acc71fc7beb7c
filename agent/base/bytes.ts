// Byte strings: hex, and a reader that never runs past the end.
// It does not allocate for lengths that it has not seen; callers cap what they pass in.

import { AgentError } from './errors.ts';

/** Upper-case hex without separators. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex').toUpperCase();
}

/**
 * Parses hex of even length, upper or lower case, no separators.
 * @throws AgentError `malformed` for anything else
 */
export function fromHex(text: string): Buffer {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new AgentError('malformed', { detail: 'not a hex string' });
  }
  return Buffer.from(text, 'hex');
}

/** A private copy, so that wiping or changing the source does not reach it. */
export function copyBytes(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Zeroed memory outside V8's heap: a small Buffer may lie in it, and be moved while a library writes to it. */
export function nativeBuffer(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}

/** Reads big-endian fields from the front of a buffer; each read checks the length first. */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** @throws AgentError `malformed` when fewer than `length` bytes are left */
  bytes(length: number): Buffer {
    if (length > this.remaining) throw new AgentError('malformed', { detail: 'ends too early' });
    const slice = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return slice;
  }

  /** @throws AgentError `malformed` at the end */
  u8(): number {
    return this.bytes(1).readUInt8();
  }

  /** @throws AgentError `malformed` at the end */
  u16(): number {
    return this.bytes(2).readUInt16BE();
  }

  /** @throws AgentError `malformed` at the end */
  u32(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** @throws AgentError `malformed` when bytes are left over */
  end(): void {
    if (this.remaining !== 0)
      throw new AgentError('malformed', { detail: `${this.remaining} trailing bytes` });
  }
}
