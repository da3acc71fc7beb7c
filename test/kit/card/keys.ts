// Key slots of the card: which slots there are, what is in them, and what the PIN must have done before each use.
// The keys of a fresh card are the fixed TEST KEYS in keys/ (see algorithms.ts).
// Specification: SP 800-73-4 part 1 table 4b and section 5; the policies by slot are those of table 4b, others are Yubico's.
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { keyTypeOf } from './algorithms.ts';
import { ALGORITHM, REFERENCE, SW, StatusError } from './constants.ts';
import type { KeyType } from './constants.ts';
import type { PinSet } from './pin.ts';
import { findTlv, parseTlvs } from './tlv.ts';
import type { Tlv } from './tlv.ts';

/** `always` = VERIFY must be the command just before. */
export type PinPolicy = 'never' | 'once' | 'always';

/** When the key wants to be touched; the card itself does not wait (faults.ts has a fault that does). */
export type TouchPolicy = 'never' | 'always' | 'cached';

export interface Policies {
  readonly pinPolicy: PinPolicy;
  readonly touchPolicy: TouchPolicy;
}

/** A key in its slot. */
export interface SlotKey extends Policies {
  readonly privateKey: KeyObject;
  readonly type: KeyType;
  readonly origin: 'generated' | 'imported';
}

/** Whether the card has this slot. */
export function isSlot(slot: number): boolean {
  return (
    slot === 0x9a ||
    (slot >= 0x9c && slot <= 0x9e) ||
    (slot >= 0x82 && slot <= 0x95) ||
    slot === REFERENCE.ATTESTATION
  );
}

/** The policies of a slot where the key was given none. */
export function defaultPolicies(slot: number): Policies {
  const pinPolicy = slot === 0x9c ? 'always' : slot === 0x9e ? 'never' : 'once';
  return { pinPolicy, touchPolicy: 'never' };
}

/** Numbers of Yubico's policy tags, AA and AB. */
const POLICY_NUMBERS = { never: 1, once: 2, always: 3 } as const;
const TOUCH_NUMBERS = { never: 1, always: 2, cached: 3 } as const;

/** The numbers that GET METADATA and the attestation use. */
export function policyNumbers({ pinPolicy, touchPolicy }: Policies): [pin: number, touch: number] {
  return [POLICY_NUMBERS[pinPolicy], TOUCH_NUMBERS[touchPolicy]];
}

/** @throws StatusError 6A80 for a number that is no policy */
function policyOf<P extends string>(
  objects: readonly Tlv[],
  tag: number,
  numbers: Record<P, number>,
): P | null {
  const number = findTlv(objects, tag)?.[0] ?? 0;
  if (number === 0) return null;
  for (const policy of Object.keys(numbers) as P[]) if (numbers[policy] === number) return policy;
  throw new StatusError(SW.INCORRECT_DATA);
}

/** The policies that a GENERATE or IMPORT asks for by tags AA and AB, or the slot's own. @throws StatusError 6A80 */
export function requestedPolicies(objects: readonly Tlv[], slot: number): Policies {
  const { pinPolicy, touchPolicy } = defaultPolicies(slot);
  return {
    pinPolicy: policyOf(objects, 0xaa, POLICY_NUMBERS) ?? pinPolicy,
    touchPolicy: policyOf(objects, 0xab, TOUCH_NUMBERS) ?? touchPolicy,
  };
}

/** The kind of key that an algorithm number means. @throws StatusError 6A80 for an unknown one */
export function keyTypeOfAlgorithm(algorithm: number | undefined): KeyType {
  for (const [type, number] of Object.entries(ALGORITHM)) {
    if (number === algorithm) return type as KeyType;
  }
  throw new StatusError(SW.INCORRECT_DATA);
}

/** All slots of one card. */
export class KeyStore {
  readonly #keys = new Map<number, SlotKey>();

  /** Puts a key into a slot. @throws StatusError 6A86 where there is no such slot */
  set(
    slot: number,
    privateKey: KeyObject,
    origin: SlotKey['origin'],
    policies = defaultPolicies(slot),
  ): void {
    if (!isSlot(slot)) throw new StatusError(SW.INCORRECT_P1_P2);
    this.#keys.set(slot, { privateKey, type: keyTypeOf(privateKey), origin, ...policies });
  }

  /** The key of a slot. @throws StatusError 6A88 for an empty slot */
  get(slot: number): SlotKey {
    const key = this.#keys.get(slot);
    if (key === undefined) throw new StatusError(SW.REFERENCE_NOT_FOUND);
    return key;
  }

  /** Slots with a key, ascending. */
  slots(): readonly number[] {
    return [...this.#keys.keys()].sort((a, b) => a - b);
  }

  clear(): void {
    this.#keys.clear();
  }
}

/** @throws StatusError 6982 where the key wants a PIN that is not there (any more) */
export function requirePin(key: SlotKey, pins: PinSet): void {
  const satisfied = key.pinPolicy === 'never' || (key.pinPolicy === 'always' ? pins.fresh : pins.verified);
  if (!satisfied) throw new StatusError(SW.SECURITY_STATUS_NOT_SATISFIED);
}

const toBigInt = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`);

/** Base64url of a number, as JWK wants it. */
function jwkNumber(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex').toString('base64url');
}

/** a⁻¹ mod m (extended Euclid). */
function inverse(a: bigint, m: bigint): bigint {
  let [r0, r1, t0, t1] = [m, a % m, 0n, 1n];
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - q * r1, t1, t0 - q * t1];
  }
  return ((t0 % m) + m) % m;
}

/** PKCS#8 up to the bare key of Ed25519 and X25519. RFC 8410, section 7. */
const PKCS8_PREFIX = {
  ed25519: '302e020100300506032b657004220420',
  x25519: '302e020100300506032b656e04220420',
} as const;

/** SEC 1 ECPrivateKey around a bare scalar. RFC 5915. */
const SEC1 = {
  p256: { size: 32, prefix: '303102010104' + '20', suffix: 'a00a06082a8648ce3d030107' },
  p384: { size: 48, prefix: '303e02010104' + '30', suffix: 'a00706052b81040022' },
} as const;

/**
 * Reads the private key of an IMPORT ASYMMETRIC KEY: RSA as the five CRT parts (01 to 05), EC as scalar (06),
 * Ed25519 (07) and X25519 (08) as seed.
 * @throws StatusError 6A80 for anything that makes no key of the kind
 */
export function readImportedKey(type: KeyType, body: Buffer): KeyObject {
  const objects = parseTlvs(body);
  if (objects === null) throw new StatusError(SW.INCORRECT_DATA);
  const part = (tag: number): Buffer => {
    const value = findTlv(objects, tag);
    if (value === null) throw new StatusError(SW.INCORRECT_DATA);
    return value;
  };
  try {
    if (type === 'ed25519' || type === 'x25519') {
      const seed = part(type === 'ed25519' ? 0x07 : 0x08);
      const der = Buffer.concat([Buffer.from(PKCS8_PREFIX[type], 'hex'), seed]);
      return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    }
    if (type === 'p256' || type === 'p384') {
      const { size, prefix, suffix } = SEC1[type];
      const scalar = Buffer.concat([Buffer.alloc(size), part(0x06)]).subarray(-size);
      const der = Buffer.concat([Buffer.from(prefix, 'hex'), scalar, Buffer.from(suffix, 'hex')]);
      return createPrivateKey({ key: der, format: 'der', type: 'sec1' });
    }
    const [p, q, dp, dq, qi] = [0x01, 0x02, 0x03, 0x04, 0x05].map((tag) => toBigInt(part(tag)));
    if (p === undefined || q === undefined || dp === undefined || dq === undefined || qi === undefined)
      throw new StatusError(SW.INCORRECT_DATA);
    const e = 65537n;
    const numbers = { n: p * q, e, d: inverse(e, (p - 1n) * (q - 1n)), p, q, dp, dq, qi };
    const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, jwkNumber(value)]));
    const key = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
    if (keyTypeOf(key) !== type) throw new StatusError(SW.INCORRECT_DATA);
    return key;
  } catch {
    throw new StatusError(SW.INCORRECT_DATA);
  }
}
