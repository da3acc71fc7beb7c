// The administration key (9B) and the commands behind it: mutual authentication, GENERATE ASYMMETRIC KEY PAIR, PUT DATA's gate.
// Algorithms of 9B: 3DES (03) and AES (08, 0A, 0C).
// Specification: SP 800-73-4 part 2 sections 3.2.4, 3.3.1, appendix A.1 and A.2 (administrator authentication).
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { generateKey, publicKeyObjects } from './algorithms.ts';
import type { Command } from './apdu.ts';
import { SW, StatusError, success } from './constants.ts';
import type { Reply } from './constants.ts';
import { isSlot, keyTypeOfAlgorithm, requestedPolicies } from './keys.ts';
import type { KeyStore } from './keys.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';
import type { Tlv } from './tlv.ts';

/** The key of a fresh card: 3DES, and AES-192 from firmware 5.7 on. It is public. */
export const DEFAULT_MANAGEMENT_KEY = '010203040506070801020304050607080102030405060708';

/** Cipher and block size in bytes by algorithm number. SP 800-78-4, table 6-2. */
const CIPHERS: Readonly<
  Partial<Record<number, { readonly name: string; readonly block: number; readonly key: number }>>
> = {
  0x03: { name: 'des-ede3', block: 8, key: 24 },
  0x08: { name: 'aes-128-ecb', block: 16, key: 16 },
  0x0a: { name: 'aes-192-ecb', block: 16, key: 24 },
  0x0c: { name: 'aes-256-ecb', block: 16, key: 32 },
};

/** Key 9B and whether the other side has shown that it knows it. */
export class Administration {
  authenticated = false;
  isDefault = true;
  #algorithm: number;
  #key = Buffer.from(DEFAULT_MANAGEMENT_KEY, 'hex');
  #witness: Buffer | null = null;
  #challenge: Buffer | null = null;

  /** @param firmware Yubico's */
  constructor([major = 0, minor = 0]: readonly number[] = []) {
    this.#algorithm = major > 5 || (major === 5 && minor >= 7) ? 0x0a : 0x03;
  }

  get algorithm(): number {
    return this.#algorithm;
  }

  /** Forgets the authentication (power, reset). */
  reset(): void {
    this.authenticated = false;
    this.#witness = null;
    this.#challenge = null;
  }

  /** @throws StatusError 6982 */
  require(): void {
    if (!this.authenticated) throw new StatusError(SW.SECURITY_STATUS_NOT_SATISFIED);
  }

  /** Replaces the key. @throws StatusError 6A80 for an unknown algorithm or a key of the wrong length */
  set(algorithm: number, key: Buffer): void {
    if (CIPHERS[algorithm]?.key !== key.length) throw new StatusError(SW.INCORRECT_DATA);
    this.#algorithm = algorithm;
    this.#key = Buffer.from(key);
    this.isDefault = key.toString('hex') === DEFAULT_MANAGEMENT_KEY;
  }

  /**
   * One step of GENERAL AUTHENTICATE with 9B: asks for a witness (80 empty) or a challenge (81 empty), or answers one.
   * @throws StatusError 6A86, 6A80, 6982 for a wrong answer
   */
  authenticate(algorithm: number, objects: readonly Tlv[]): Reply {
    // 00 means 3DES as well as 03 does (SP 800-78-4, table 6-2).
    if ((algorithm === 0x00 ? 0x03 : algorithm) !== this.#algorithm)
      throw new StatusError(SW.INCORRECT_P1_P2);
    const [witness, challenge, response] = [0x80, 0x81, 0x82].map((tag) => findTlv(objects, tag));
    const block = CIPHERS[this.#algorithm]?.block ?? 8;
    if (witness?.length === 0) {
      this.reset();
      this.#witness = randomBytes(block);
      return success(tlv(0x7c, tlv(0x80, this.#cipher(this.#witness, true))));
    }
    if (challenge?.length === 0) {
      this.reset();
      this.#challenge = randomBytes(block);
      return success(tlv(0x7c, tlv(0x81, this.#challenge)));
    }
    const [expectedWitness, sentChallenge] = [this.#witness, this.#challenge];
    this.reset();
    if (witness != null && challenge?.length === block && expectedWitness !== null) {
      this.#accept(witness, expectedWitness);
      return success(tlv(0x7c, tlv(0x82, this.#cipher(challenge, true))));
    }
    if (response?.length === block && sentChallenge !== null) {
      this.#accept(this.#cipher(response, false), sentChallenge);
      return success();
    }
    throw new StatusError(SW.INCORRECT_DATA);
  }

  #accept(given: Buffer, expected: Buffer): void {
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new StatusError(SW.SECURITY_STATUS_NOT_SATISFIED);
    this.authenticated = true;
  }

  #cipher(bytes: Buffer, encrypt: boolean): Buffer {
    const name = CIPHERS[this.#algorithm]?.name ?? '';
    const cipher = encrypt ? createCipheriv(name, this.#key, null) : createDecipheriv(name, this.#key, null);
    cipher.setAutoPadding(false);
    return Buffer.concat([cipher.update(bytes), cipher.final()]);
  }
}

/** GENERATE ASYMMETRIC KEY PAIR: `AC { 80 algorithm, AA PIN policy?, AB touch policy? }` gives `7F49 { public key }`. */
export function generate(command: Command, keys: KeyStore): Reply {
  if (command.p1 !== 0x00 || !isSlot(command.p2)) throw new StatusError(SW.INCORRECT_P1_P2);
  const control = findTlv(parseTlvs(command.data) ?? [], 0xac);
  const objects = control === null ? null : parseTlvs(control);
  if (objects === null) throw new StatusError(SW.INCORRECT_DATA);
  const key = generateKey(keyTypeOfAlgorithm(findTlv(objects, 0x80)?.[0]));
  keys.set(command.p2, key, 'generated', requestedPolicies(objects, command.p2));
  return success(tlv(0x7f49, publicKeyObjects(key)));
}
