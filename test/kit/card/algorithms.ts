// What one asymmetric key of the card computes: raw RSA, ECDSA over a hash, Ed25519, ECDH; and how its public half is shown.
// No slots and no PIN rules here; padding and hashing are the host's work, as on a real card.
// Specification: SP 800-73-4 part 2 section 3.2.4, SP 800-78-4 section 3.1, FIPS 186-4; Ed25519 and X25519 as in YubiKey 5.7.
import {
  constants,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  privateDecrypt,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KEY_TYPES, SW, StatusError } from './constants.ts';
import type { KeyType } from './constants.ts';
import { tlv } from './tlv.ts';

/** The kind of a private key. @throws Error for a kind that no PIV card holds */
export function keyTypeOf(key: KeyObject): KeyType {
  const details = key.asymmetricKeyDetails;
  const name =
    key.asymmetricKeyType === 'rsa'
      ? `rsa${details?.modulusLength ?? 0}`
      : key.asymmetricKeyType === 'ec'
        ? { prime256v1: 'p256', secp384r1: 'p384' }[details?.namedCurve ?? '']
        : key.asymmetricKeyType;
  const type = KEY_TYPES.find((one) => one === name);
  if (type === undefined) throw new Error(`a PIV card holds no ${name ?? 'unknown'} keys`);
  return type;
}

/** Keys of one file, parsed once. */
const parsedFiles = new Map<string, readonly (() => KeyObject)[]>();

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/**
 * One of the fixed keys in keys/*.pem. They are TEST KEYS: public, worth nothing, there so that a card starts at once
 * and is the same card each time.
 * @param number from 1; counted round where the file has fewer
 */
export function testKey(file: KeyType | 'ca' | 'attestation', number: number): KeyObject {
  let keys = parsedFiles.get(file);
  if (keys === undefined) {
    const text = readFileSync(new URL(`keys/${file}.pem`, import.meta.url), 'utf8');
    const pems = text.split(/(?=-----BEGIN)/u).slice(1);
    keys = pems.map((pem) => once(() => createPrivateKey(pem)));
    parsedFiles.set(file, keys);
  }
  const key = keys[(number - 1) % keys.length];
  if (key === undefined) throw new Error(`no keys in ${file}.pem`);
  return key();
}

type Curve = 'p256' | 'p384';

/** SEC 2, sections 2.4.2 and 2.5.1: how node:crypto and JWK call a curve, and the order of its base point. */
const CURVES = {
  p256: {
    ...{ name: 'prime256v1', crv: 'P-256', size: 32, digest: 'sha256' },
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  p384: {
    ...{ name: 'secp384r1', crv: 'P-384', size: 48, digest: 'sha384' },
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
} as const;

/** So many times the base point. */
function pointOf(curve: Curve, factor: Buffer): { x: Buffer; y: Buffer } {
  const { name, size } = CURVES[curve];
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(factor);
  const point = ecdh.getPublicKey();
  return { x: point.subarray(1, 1 + size), y: point.subarray(1 + size) };
}

/** A key of its own for each number, the same each time; RSA keys are new ones. */
export function numberedKey(type: KeyType, number: number): KeyObject {
  const seed = createHash('sha384').update(`scauth test key ${type} ${number}`).digest();
  switch (type) {
    case 'p256':
    case 'p384': {
      const { crv, size } = CURVES[type];
      const d = seed.subarray(0, size);
      const { x, y } = pointOf(type, d);
      const text = (bytes: Buffer): string => bytes.toString('base64url');
      return createPrivateKey({
        key: { kty: 'EC', crv, d: text(d), x: text(x), y: text(y) },
        format: 'jwk',
      });
    }
    case 'ed25519':
    case 'x25519': {
      // RFC 8410, section 7: OneAsymmetricKey without the public half.
      const prefix = `302e020100300506032b65${type === 'ed25519' ? '70' : '6e'}04220420`;
      const key = Buffer.concat([Buffer.from(prefix, 'hex'), seed.subarray(0, 32)]);
      return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    }
    default:
      return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(3)) }).privateKey;
  }
}

/** A new key. Long RSA keys take seconds to make, so those come from the fixed set. */
export function generateKey(type: KeyType): KeyObject {
  switch (type) {
    case 'rsa1024':
    case 'rsa2048':
      return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(3)) }).privateKey;
    case 'rsa3072':
    case 'rsa4096':
      return testKey(type, 8);
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'x25519':
      return generateKeyPairSync('x25519').privateKey;
  }
}

/** To write a key out takes as long as to sign with it. */
const writtenKeys = new WeakMap<KeyObject, JsonWebKey>();

/** A member of a key's JWK, decoded. */
function jwkBytes(key: KeyObject, member: 'n' | 'e' | 'x' | 'y' | 'd'): Buffer {
  const jwk = writtenKeys.get(key) ?? key.export({ format: 'jwk' });
  writtenKeys.set(key, jwk);
  return Buffer.from(jwk[member] ?? '', 'base64url');
}

/** The public half as GENERATE and GET METADATA show it, without the outer 7F49. SP 800-73-4 part 2, table 11. */
export function publicKeyObjects(key: KeyObject): Buffer {
  const type = keyTypeOf(key);
  if (type.startsWith('rsa'))
    return Buffer.concat([tlv(0x81, jwkBytes(key, 'n')), tlv(0x82, jwkBytes(key, 'e'))]);
  if (type === 'p256' || type === 'p384')
    return tlv(0x86, Buffer.from([4]), jwkBytes(key, 'x'), jwkBytes(key, 'y'));
  return tlv(0x86, jwkBytes(key, 'x'));
}

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`);
const bytesOf = (number: bigint, size: number): Buffer =>
  Buffer.from(number.toString(16).padStart(2 * size, '0'), 'hex');

/** By the extended Euclidean algorithm. */
function inverse(number: bigint, modulus: bigint): bigint {
  let [rest, next] = [modulus, number % modulus];
  let [factor, nextFactor] = [0n, 1n];
  while (next > 0n) {
    const times = rest / next;
    [rest, next] = [next, rest - times * next];
    [factor, nextFactor] = [nextFactor, factor - times * nextFactor];
  }
  return ((factor % modulus) + modulus) % modulus;
}

/** RFC 6979, section 3.2: the numbers k, one after the other. */
function* nonces(curve: Curve, d: Buffer, hash: Buffer): Generator<Buffer> {
  const { n, size, digest } = CURVES[curve];
  const mac = (key: Buffer, ...parts: Buffer[]): Buffer =>
    createHmac(digest, key).update(Buffer.concat(parts)).digest();
  const seed = Buffer.concat([d, bytesOf(numberOf(hash) % n, size)]);
  let key: Buffer = Buffer.alloc(size);
  let value: Buffer = Buffer.alloc(size, 1);
  for (const mark of [0, 1]) {
    key = mac(key, value, Buffer.from([mark]), seed);
    value = mac(key, value);
  }
  for (;;) {
    value = mac(key, value);
    if (numberOf(value) > 0n && numberOf(value) < n) yield value;
    key = mac(key, value, Buffer.alloc(1));
    value = mac(key, value);
  }
}

/**
 * ECDSA over a given hash of the curve's size, DER r and s (FIPS 186-5, section 6.4.1), deterministic so that a card's
 * certificate stays the same. node:crypto signs messages only, so the arithmetic beside the point is here. In no constant
 * time: the keys are worth nothing.
 */
export function signHash(key: KeyObject, hash: Buffer): Buffer {
  const curve = keyTypeOf(key) === 'p256' ? 'p256' : 'p384';
  const { n, size } = CURVES[curve];
  const d = jwkBytes(key, 'd');
  for (const k of nonces(curve, d, hash)) {
    const r = numberOf(pointOf(curve, k).x) % n;
    const s = (inverse(numberOf(k), n) * (numberOf(hash) + r * numberOf(d))) % n;
    if (r > 0n && s > 0n) return tlv(0x30, integer(bytesOf(r, size)), integer(bytesOf(s, size)));
  }
  throw new Error('no signature');
}

/** A positive INTEGER of DER. */
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  return tlv(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), short]) : short);
}

/** Left-pads with zero bytes. */
function leftPad(bytes: Buffer, length: number): Buffer {
  return Buffer.concat([Buffer.alloc(Math.max(0, length - bytes.length)), bytes]);
}

/**
 * The private-key operation on a challenge (tag 81): raw RSA, ECDSA over a hash, Ed25519 over a message.
 * @throws StatusError 6A80 where the length or value does not fit the key
 */
export function respond(key: KeyObject, challenge: Buffer): Buffer {
  const type = keyTypeOf(key);
  switch (type) {
    case 'rsa1024':
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      if (challenge.length !== Number(type.slice(3)) / 8) throw new StatusError(SW.INCORRECT_DATA);
      try {
        return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, challenge);
      } catch {
        throw new StatusError(SW.INCORRECT_DATA); // not below the modulus
      }
    case 'p256':
    case 'p384': {
      const size = type === 'p256' ? 32 : 48;
      if (challenge.length === 0 || challenge.length > size) throw new StatusError(SW.INCORRECT_DATA);
      return signHash(key, leftPad(challenge, size));
    }
    case 'ed25519':
      return sign(null, challenge, key);
    case 'x25519':
      throw new StatusError(SW.INCORRECT_DATA);
  }
}

/** SubjectPublicKeyInfo of X25519 without the key itself. RFC 8410, section 4. */
const X25519_SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/**
 * Key agreement with the other side's point (tag 85): the x coordinate of the shared point.
 * @throws StatusError 6A80 for a point that is not on the curve, or a key that agrees on nothing
 */
export function agree(key: KeyObject, point: Buffer): Buffer {
  const type = keyTypeOf(key);
  try {
    if (type === 'x25519') {
      const publicKey = createPublicKey({
        key: Buffer.concat([X25519_SPKI_PREFIX, point]),
        format: 'der',
        type: 'spki',
      });
      return diffieHellman({ privateKey: key, publicKey });
    }
    if (type !== 'p256' && type !== 'p384') throw new StatusError(SW.INCORRECT_DATA);
    const ecdh = createECDH(type === 'p256' ? 'prime256v1' : 'secp384r1');
    ecdh.setPrivateKey(jwkBytes(key, 'd'));
    return ecdh.computeSecret(point);
  } catch {
    throw new StatusError(SW.INCORRECT_DATA);
  }
}
