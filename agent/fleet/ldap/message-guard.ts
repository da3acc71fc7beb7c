// Stands between a directory server's bytes and ldapts, whose parser believes its peer: a length that is not so makes it
// loop, a missing result code means success there, thousands of small messages in one packet end its stack, and nothing
// is limited. So each message is put together here, checked (message.ts), and handed on alone. Why: DECISIONS.md D312.

import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { checkedMessage, malformed, MAX_HEADER_BYTES, messageLength } from './message.ts';

/** What an answer may be at most. */
export interface Allowance {
  readonly entries: number;
  readonly bytes: number;
}

/** The connection as ldapts sees it. */
export class MessageGuard extends Duplex {
  /** ldapts asks a socket so whether it is connected. */
  readonly connecting = false;
  get readyState(): string {
    return this.destroyed ? 'closed' : 'open';
  }

  readonly #socket: TLSSocket;
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted: number | null = null;
  #left: { entries: number; bytes: number } = { entries: 0, bytes: 0 };

  constructor(socket: TLSSocket) {
    super({ readableObjectMode: true, autoDestroy: true });
    this.#socket = socket;
    // Until ldapts listens: nobody waits for anything then.
    this.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      try {
        this.#take(bytes);
      } catch (error) {
        this.destroy(error as Error);
      }
    });
    socket.once('error', (error: Error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  /** From now on so much may come. Before the first time it is nothing. */
  allow({ entries, bytes }: Allowance): void {
    this.#left = { entries, bytes };
  }

  #take(bytes: Buffer): void {
    this.#left.bytes -= bytes.length;
    if (this.#left.bytes < 0) throw malformed('an answer that is too long');
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    for (;;) {
      if (this.#wanted === null) {
        this.#wanted = messageLength(this.#join().subarray(0, MAX_HEADER_BYTES));
      }
      if (this.#wanted === null || this.#length < this.#wanted) return;
      const all = this.#join();
      this.#pass(all.subarray(0, this.#wanted));
      this.#chunks = [all.subarray(this.#wanted)];
      this.#length -= this.#wanted;
      this.#wanted = null;
    }
  }

  /** One copy when a message is complete, not one for each packet. */
  #join(): Buffer {
    const [first = Buffer.alloc(0), ...more] = this.#chunks;
    if (more.length === 0) return first;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  #pass(bytes: Buffer): void {
    const message = checkedMessage(bytes);
    this.#left.entries -= message?.isEntry === false ? 0 : 1;
    if (this.#left.entries < 0) throw malformed('an answer with too many entries');
    if (message !== null && !this.push(message.bytes)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
