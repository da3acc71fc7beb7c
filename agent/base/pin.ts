// A PIN (or another typed secret) around one locked buffer. Never a string; prints itself as [PIN]; wiped once used.

import { MAX_SECRET_BYTES, SecretBuffer } from './secret.ts';
import { AgentError } from './errors.ts';

/** What node:util's inspect asks for; the module itself would cost each program its start. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

export class Pin {
  readonly #secret: SecretBuffer;
  #wiped = false;

  /**
   * Copies `typed` (at most 512 bytes) into locked memory. The caller wipes its own copy.
   * @throws AgentError `pin-malformed` when it is longer
   */
  constructor(typed: Uint8Array) {
    if (typed.length > MAX_SECRET_BYTES)
      throw new AgentError('pin-malformed', { detail: 'longer than 512 bytes' });
    this.#secret = new SecretBuffer(typed.length);
    this.#secret.bytes.set(typed);
  }

  get length(): number {
    return this.#secret.bytes.length;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** True when each byte is an ASCII digit, and there is at least one. */
  get isDigits(): boolean {
    if (this.#wiped || this.isEmpty) return false;
    return this.#secret.bytes.every((byte) => byte >= 0x30 && byte <= 0x39);
  }

  /** A second Pin with the same bytes, to compare a later one with; wiped on its own. */
  copy(): Pin {
    return this.peek((bytes) => new Pin(bytes));
  }

  /** Whether the bytes are this ASCII word, in any case. What was typed may be a secret: it never becomes a string. */
  says(word: string): boolean {
    return this.peek(
      (bytes) =>
        bytes.length === word.length &&
        bytes.every((byte, index) => (byte | 0x20) === (word.charCodeAt(index) | 0x20)),
    );
  }

  /** Compares without stopping at the first difference. */
  equals(other: Pin): boolean {
    if (this.#wiped || other.#wiped || this.length !== other.length) return false;
    let difference = 0;
    this.#secret.bytes.forEach((byte, index) => {
      difference |= byte ^ (other.#secret.bytes[index] ?? 0);
    });
    return difference === 0;
  }

  /**
   * Lends the bytes to `read` without wiping: for looking at the shape before the one use.
   * @throws AgentError `internal` after the wipe
   */
  peek<T>(read: (bytes: Buffer) => T): T {
    if (this.#wiped) throw new AgentError('internal', { detail: 'PIN used after it was wiped' });
    return read(this.#secret.bytes);
  }

  /**
   * Lends the bytes to `act` once and wipes them when it is done, whatever happens.
   * @throws AgentError `internal` on a second use; whatever `act` throws
   */
  async use<T>(act: (bytes: Buffer) => Promise<T>): Promise<T> {
    if (this.#wiped) throw new AgentError('internal', { detail: 'PIN used after it was wiped' });
    try {
      return await act(this.#secret.bytes);
    } finally {
      this.wipe();
    }
  }

  /** Forgets the PIN. Safe to call twice. */
  wipe(): void {
    this.#wiped = true;
    this.#secret.release();
  }

  toString(): string {
    return '[PIN]';
  }

  toJSON(): string {
    return '[PIN]';
  }

  [INSPECT](): string {
    return '[PIN]';
  }
}
