// Codes that people read aloud and type: Crockford's base 32, without I, L, O and U. Case, blanks and hyphens do not count.

import { scrypt, type ScryptOptions } from 'node:crypto';
import { SecretBuffer } from '../../base/secret.ts';
import type { Pin } from '../../base/pin.ts';

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Of {@link stretched}. */
export const STRETCHED_BYTES = 32;

/** The character code of a symbol's value, 0 to 31. */
export const ascii = (symbol: number): number => SYMBOLS.charCodeAt(symbol & 31);

/** What a typed byte means: a symbol's value, null for what separates groups, -1 for what has no place in a code. */
function symbolOf(byte: number): number | null {
  const character = String.fromCharCode(byte).toUpperCase();
  if (character === '-' || character === ' ') return null;
  if (character === 'O') return 0;
  if (character === 'I' || character === 'L') return 1;
  return SYMBOLS.indexOf(character);
}

/** The values of so many symbols; null for what is no such code. Whoever gets the buffer releases it. */
export function readSymbols(typed: Pin, count: number): SecretBuffer | null {
  const symbols = new SecretBuffer(count);
  const isCode = typed.peek((bytes) => {
    let length = 0;
    for (const byte of bytes) {
      const symbol = symbolOf(byte);
      if (symbol === null) continue;
      if (symbol < 0 || length === count) return false;
      symbols.bytes[length] = symbol;
      length += 1;
    }
    return length === count;
  });
  if (isCode) return symbols;
  symbols.release();
  return null;
}

/** In groups of so many. */
export function grouped(symbols: Uint8Array, size: number): Buffer {
  const characters = Array.from(symbols).flatMap((symbol, at) => [
    ...(at > 0 && at % size === 0 ? [0x2d] : []),
    ascii(symbol),
  ]);
  return Buffer.from(characters);
}

/** What is kept of a code, or a key made of it: 32 bytes by scrypt (RFC 7914). */
export function stretched(code: Uint8Array, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(code, salt, STRETCHED_BYTES, cost, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
