// The break-glass code: made by sc_auth, shown once; scauthd keeps only a salted scrypt hash of it and compares.
// 23 symbols of 5 random bits and two that check them, so that what is no code is known without a try. RFC 7914.

import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { SecretBuffer } from '../../base/secret.ts';
import type { Pin } from '../../base/pin.ts';
import { ascii, readSymbols, stretched, STRETCHED_BYTES } from './code-symbols.ts';
import type { CodeHash } from '../enforcement.ts';

const RANDOM_SYMBOLS = 23;
const CHECK_SYMBOLS = 2;
const CODE_SYMBOLS = RANDOM_SYMBOLS + CHECK_SYMBOLS;
const GROUP = 5;
const SALT_BYTES = 16;
/** 16 MiB and some 50 ms a try; the code's own 115 bits are what keeps guessers out. */
const COST = { N: 16_384, r: 8, p: 1 };

/** The check symbols' values, for the bytes of the random ones. */
function checkOf(random: Uint8Array): readonly number[] {
  const digest = createHash('sha256').update('scauth break-glass').update(random).digest();
  return [(digest[0] ?? 0) & 31, (digest[1] ?? 0) & 31];
}

/**
 * The code in its one form, or null for what cannot be one: too few symbols, a slip of the finger, a password.
 * Whoever gets the buffer releases it.
 */
function normalCode(typed: Pin): SecretBuffer | null {
  const code = readSymbols(typed, CODE_SYMBOLS);
  if (code === null) return null;
  code.bytes.forEach((symbol, at) => (code.bytes[at] = ascii(symbol)));
  const check = checkOf(code.bytes.subarray(0, RANDOM_SYMBOLS));
  if (check.every((symbol, index) => code.bytes[RANDOM_SYMBOLS + index] === ascii(symbol))) return code;
  code.release();
  return null;
}

/** A new code in readable groups, and what scauthd is told of it. Only for the program that shows it. */
export async function makeBreakGlassCode(): Promise<{ readonly text: string; readonly hash: CodeHash }> {
  const random = Buffer.from(Array.from({ length: RANDOM_SYMBOLS }, () => ascii(randomInt(32))));
  const code = Buffer.concat([random, Buffer.from(checkOf(random).map(ascii))]);
  const salt = randomBytes(SALT_BYTES);
  const hash = await stretched(code, salt, COST);
  const groups = Array.from({ length: CODE_SYMBOLS / GROUP }, (_, index) =>
    code.toString('latin1', index * GROUP, (index + 1) * GROUP),
  );
  code.fill(0);
  random.fill(0);
  return { text: groups.join('-'), hash: { salt, hash } };
}

/** @returns null for what is no hash of ours */
export function parseCodeHash(salt: Buffer, hash: Buffer): CodeHash | null {
  return salt.length === SALT_BYTES && hash.length === STRETCHED_BYTES ? { salt, hash } : null;
}

/** `malformed`: it cannot be a code, and nobody's try was counted for it. Wipes what was typed. */
export async function compareCode(typed: Pin, known: CodeHash): Promise<'right' | 'wrong' | 'malformed'> {
  let code: SecretBuffer | null = null;
  try {
    code = normalCode(typed);
    if (code === null) return 'malformed';
    const hash = await stretched(code.bytes, known.salt, COST);
    return hash.length === known.hash.length && timingSafeEqual(hash, known.hash) ? 'right' : 'wrong';
  } finally {
    code?.release();
    typed.wipe();
  }
}
