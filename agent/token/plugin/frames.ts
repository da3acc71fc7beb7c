// The frames between scauthd and a driver's process, both ways: a kind, a length, a body. JSON for everything but
// secrets, which have a kind of their own. Specification: DRIVERS.md, "Frames".

import { AgentError } from '../../base/errors.ts';

/** One byte of kind, four of length (big-endian). */
export const HEADER_BYTES = 5;
/** `J`: a JSON object, UTF-8. */
export const JSON_FRAME = 0x4a;
/** `S`: secret bytes; only from scauthd to the driver. */
export const SECRET_FRAME = 0x53;
/** A token with 64 certificates of 8 KiB in base64. */
export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_SECRET_FRAME_BYTES = 512;

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws AgentError `internal` for a message above the cap */
export function encodeJson(message: JsonObject): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > MAX_JSON_BYTES)
    throw new AgentError('internal', { detail: 'a message to a driver is too long' });
  return Buffer.concat([frameHeader(JSON_FRAME, body.length), body]);
}

export function frameHeader(kind: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

/**
 * The length of the body that follows a header of the kind `wanted`.
 * @throws AgentError `malformed` for another kind, or a length above `max`
 */
export function bodyLength(header: Buffer, wanted: number, max: number): number {
  const kind = header.readUInt8(0);
  const length = header.readUInt32BE(1);
  if (kind !== wanted) throw new AgentError('malformed', { detail: `a frame of the kind ${kind}` });
  if (length > max) throw new AgentError('malformed', { detail: `a frame of ${length} bytes` });
  return length;
}

/** @throws AgentError `malformed` unless `body` is one JSON object in UTF-8 */
export function parseJson(body: Buffer): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'a frame that is not JSON', cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AgentError('malformed', { detail: 'a frame that is not a JSON object' });
  return value as JsonObject;
}

/** Collects JSON frames of a driver from pieces of any size. */
export class JsonFrameReader {
  #pieces: Buffer[] = [];
  #length = 0;

  /** Bytes of an unfinished frame. */
  get pending(): number {
    return this.#length;
  }

  /** @returns the frames that are whole now @throws AgentError `malformed`: the stream is of no more use */
  push(piece: Buffer): JsonObject[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const found: JsonObject[] = [];
    for (let wanted = this.#wanted(); this.#length >= wanted; wanted = this.#wanted()) {
      const whole = Buffer.concat(this.#pieces);
      found.push(parseJson(whole.subarray(HEADER_BYTES, wanted)));
      const rest = whole.subarray(wanted);
      this.#pieces = rest.length > 0 ? [rest] : [];
      this.#length = rest.length;
    }
    return found;
  }

  /** How long the frame at the front is, as far as that is known. */
  #wanted(): number {
    if (this.#length < HEADER_BYTES) return HEADER_BYTES;
    const first = this.#pieces[0];
    if (first === undefined || first.length < HEADER_BYTES) this.#pieces = [Buffer.concat(this.#pieces)];
    const header = this.#pieces[0] ?? Buffer.alloc(HEADER_BYTES);
    return HEADER_BYTES + bodyLength(header.subarray(0, HEADER_BYTES), JSON_FRAME, MAX_JSON_BYTES);
  }
}
