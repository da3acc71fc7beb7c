// What a person types until Enter, byte by byte: Backspace, Ctrl-U, Ctrl-C. No terminal here, only bytes in and
// meanings out; the line lives in a SecretBuffer. Keys that are no text (arrows, F1) must not get into a PIN.

import { MAX_SECRET_BYTES, SecretBuffer } from '../../base/secret.ts';

const KEY = {
  ctrlC: 0x03,
  ctrlD: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  enter: 0x0d,
  ctrlU: 0x15,
  ctrlBackslash: 0x1c,
  escape: 0x1b,
  delete: 0x7f,
} as const;

export type Keystroke = 'enter' | 'cancel' | 'too-long' | 'none';

export class LineEditor {
  readonly #line = new SecretBuffer(MAX_SECRET_BYTES);
  #length = 0;
  /** Inside of a key's escape sequence (ECMA-48, 5.4): behind ESC, behind `ESC [`, behind `ESC O`. */
  #sequence: 'none' | 'escape' | 'csi' | 'single' = 'none';

  /** What one byte of the keyboard means; `none`: the line goes on. */
  feed(byte: number): Keystroke {
    if (this.#sequence !== 'none') return this.#skip(byte);
    switch (byte) {
      case KEY.enter:
      case KEY.lineFeed:
        return 'enter';
      case KEY.ctrlC:
      case KEY.ctrlD:
      case KEY.ctrlBackslash:
        return 'cancel';
      case KEY.delete:
      case KEY.backspace:
        this.#erase();
        return 'none';
      case KEY.ctrlU:
        while (this.#length > 0) this.#erase();
        return 'none';
      case KEY.escape:
        this.#sequence = 'escape';
        return 'none';
      default:
        if (byte < 0x20) return 'none';
        if (this.#length === MAX_SECRET_BYTES) return 'too-long';
        this.#line.bytes.writeUInt8(byte, this.#length);
        this.#length += 1;
        return 'none';
    }
  }

  #skip(byte: number): Keystroke {
    if (byte === KEY.ctrlC) return 'cancel';
    // Enter behind a lone Esc key is Enter.
    if (byte === KEY.enter || byte === KEY.lineFeed) {
      this.#sequence = 'none';
      return 'enter';
    }
    if (this.#sequence === 'escape' && (byte === 0x5b || byte === 0x4f)) {
      this.#sequence = byte === 0x5b ? 'csi' : 'single';
    } else if (this.#sequence !== 'csi' || (byte >= 0x40 && byte <= 0x7e)) {
      this.#sequence = 'none';
    }
    return 'none';
  }

  /** Takes back one UTF-8 character: its continuation bytes and its first byte. */
  #erase(): void {
    if (this.#length === 0) return;
    let byte = 0;
    do {
      this.#length -= 1;
      byte = this.#line.bytes.readUInt8(this.#length);
      this.#line.bytes.writeUInt8(0, this.#length);
    } while (this.#length > 0 && (byte & 0xc0) === 0x80);
  }

  /** The line, in a buffer of its own. */
  take(): SecretBuffer {
    return this.#line.copy(this.#length);
  }

  /** Wipes the line. Safe to call twice. */
  release(): void {
    this.#length = 0;
    this.#line.release();
  }
}
