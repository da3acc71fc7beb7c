// Bytes → frames for one connection: collects one frame at a time in locked memory, and parses it when it is whole.

import { AgentError } from '../base/errors.ts';
import { SecretBuffer } from '../base/secret.ts';
import { HEADER_BYTES, MAX_FRAME_BYTES, parseBody, parseHeader, type Frame } from './frames.ts';

/** One frame and the version that it was written in. Secrets in it are views: copy before returning. */
export type FrameHandler = (frame: Frame, version: number) => void;

export class FrameStream {
  readonly #buffer = new SecretBuffer(MAX_FRAME_BYTES);
  readonly #handle: FrameHandler;
  #filled = 0;

  constructor(handle: FrameHandler) {
    this.#handle = handle;
  }

  /** How many bytes of an unfinished frame have arrived. */
  get pending(): number {
    return this.#filled;
  }

  /** @throws AgentError `malformed`: the connection is of no more use */
  push(bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0;) {
      const wanted = this.#wantedBytes() - this.#filled;
      const part = rest.subarray(0, wanted);
      this.#buffer.bytes.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled >= HEADER_BYTES && this.#filled === this.#wantedBytes()) this.#deliver();
    }
  }

  /** Wipes; the stream is of no use afterwards. */
  release(): void {
    this.#buffer.release();
  }

  #wantedBytes(): number {
    if (this.#filled < HEADER_BYTES) return HEADER_BYTES;
    return HEADER_BYTES + parseHeader(this.#buffer.bytes.subarray(0, HEADER_BYTES)).bodyLength;
  }

  #deliver(): void {
    const { typeNumber, version } = parseHeader(this.#buffer.bytes.subarray(0, HEADER_BYTES));
    const whole = this.#buffer.bytes.subarray(0, this.#filled);
    this.#filled = 0;
    try {
      this.#handle(parseBody(typeNumber, whole.subarray(HEADER_BYTES), version), version);
    } catch (error) {
      throw error instanceof AgentError ? error : new AgentError('malformed', { cause: error });
    } finally {
      whole.fill(0);
    }
  }
}
