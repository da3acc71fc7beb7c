// A frame's bytes: the sizes of PROTOCOL.md, 1.1, and what writes fields behind a header. Which fields a frame has is in frames.ts.

import { AgentError } from '../base/errors.ts';

export const HEADER_BYTES = 8;
export const MAX_BODY_BYTES = 4096;
/** Longest str or bytes field. */
export const MAX_FIELD_BYTES = 512;

export const MAGIC = 0x5343;
/** In the place of a length. */
export const ABSENT = 0xffff;

/** Writes fields behind each other into one buffer, so that a secret is never copied on its way. */
export class FrameWriter {
  readonly #into: Buffer;
  #offset = HEADER_BYTES;

  constructor(into: Buffer) {
    this.#into = into;
  }

  u8(value: number): void {
    this.#offset = this.#into.writeUInt8(value, this.#offset);
  }

  u16(value: number): void {
    this.#offset = this.#into.writeUInt16BE(value, this.#offset);
  }

  u32(value: number): void {
    this.#offset = this.#into.writeUInt32BE(value, this.#offset);
  }

  raw(bytes: Uint8Array): void {
    if (this.#offset + bytes.length > HEADER_BYTES + MAX_BODY_BYTES) {
      throw new AgentError('malformed', { detail: 'frame: body too long' });
    }
    this.#into.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  field(bytes: Uint8Array | null): void {
    if (bytes !== null && bytes.length > MAX_FIELD_BYTES) {
      throw new AgentError('malformed', { detail: 'frame: field too long' });
    }
    this.#offset = this.#into.writeUInt16BE(bytes?.length ?? ABSENT, this.#offset);
    if (bytes !== null) this.raw(bytes);
  }

  /** Cuts at a character border so that the field fits: wording must never break a conversation. */
  text(text: string | null): void {
    if (text === null) {
      this.field(null);
      return;
    }
    const bytes = Buffer.alloc(MAX_FIELD_BYTES);
    this.field(bytes.subarray(0, bytes.write(text.replaceAll('\0', '?'))));
  }

  /** Writes the header and returns the whole frame. */
  finish(typeNumber: number, version: number): Buffer {
    this.#into.writeUInt16BE(MAGIC, 0);
    this.#into.writeUInt8(version, 2);
    this.#into.writeUInt8(typeNumber, 3);
    this.#into.writeUInt32BE(this.#offset - HEADER_BYTES, 4);
    return this.#into.subarray(0, this.#offset);
  }
}
