// Lines of a descriptor that is no terminal: a pipe, a file, a socket. One line for each question; what comes
// behind it stays for the next one. The bytes of a line are wiped wherever they went by.

import { createReadStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { MAX_SECRET_BYTES, SecretBuffer } from '../../base/secret.ts';
import { answer } from '../../words/sc-auth.ts';
import { CommandError } from '../exit-codes.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A pipe is read by the event loop, not by a thread: a blocked thread would hold up the exit of the process. */
function openStream(fd: number): Readable {
  const kind = fstatSync(fd);
  if (kind.isFIFO() || kind.isSocket()) return new Socket({ fd, readable: true, writable: false });
  if (isatty(fd)) return new ReadStream(fd);
  return createReadStream('', { fd, autoClose: false, highWaterMark: MAX_SECRET_BYTES });
}

export class LineReader {
  readonly #stream: Readable;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(fd: number) {
    this.#stream = openStream(fd);
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#stream.on('end', end).on('error', end).on('close', end);
    this.#stream.on('readable', () => {
      this.#wake();
    });
  }

  /**
   * The next line without its end; a last line needs none.
   * @returns null at the end of the input, or when `abandoned` aborts
   * @throws CommandError `usage` for a line of more than 512 bytes
   */
  async line(abandoned: AbortSignal): Promise<SecretBuffer | null> {
    const line = new SecretBuffer(MAX_SECRET_BYTES);
    let length = 0;
    try {
      for (;;) {
        const byte = await this.#byte(abandoned);
        if (byte === null && (length === 0 || abandoned.aborted)) return null;
        if (byte === null || byte === NEWLINE) break;
        if (length === MAX_SECRET_BYTES) throw new CommandError('usage', answer.tooLong);
        line.bytes.writeUInt8(byte, length);
        length += 1;
      }
      if (length > 0 && line.bytes.readUInt8(length - 1) === RETURN) length -= 1;
      return line.copy(length);
    } finally {
      line.release();
    }
  }

  async #byte(abandoned: AbortSignal): Promise<number | null> {
    for (;;) {
      const one = this.#stream.read(1) as Buffer | null;
      if (one !== null) {
        const byte = one.readUInt8();
        // A view into the stream's own chunk: wipes it there.
        one.fill(0);
        return byte;
      }
      if (this.#ended || abandoned.aborted) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        abandoned.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
    }
  }

  /** Lets go of the descriptor, and wipes what was read of it and not used. */
  close(): void {
    for (
      let rest = this.#stream.read() as Buffer | null;
      rest !== null;
      rest = this.#stream.read() as Buffer | null
    ) {
      rest.fill(0);
    }
    // A file's stream would close a descriptor that somebody else opened; it holds nothing up.
    if (this.#stream instanceof Socket) this.#stream.destroy();
  }
}
