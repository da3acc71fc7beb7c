// From a challenge to the bytes that a key works on, and from the card's reply to a signature. A PIV card's RSA is raw
// and its ECDSA takes a hash: padding and hashing are ours. Only a Challenge is ever signed (lesson L21).
// Specification: SP 800-73-4 part 2, 3.2.4; RFC 8017, 9.1.1 (EMSA-PSS); SP 800-78-4, 3.1.

import { createHash, randomBytes } from 'node:crypto';
import { assertNever } from '../../base/assert.ts';
import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlvs } from '../../base/tlv.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { KeyAlgorithm } from '../../model/key/key.ts';
import type { ProofScheme } from '../../model/proof.ts';
import type { UnsignedDocument } from '../../model/key/unsigned-document.ts';
import { DYNAMIC_AUTHENTICATION_TEMPLATE, RESPONSE } from './constants.ts';

/** RSA-4096 gives 512 bytes, the longest that a key of ours makes. */
const MAX_SIGNATURE_BYTES = 512;

export interface SignatureInput {
  readonly scheme: ProofScheme;
  /** What stands in tag 81. */
  readonly bytes: Buffer;
}

/** The input of GENERAL AUTHENTICATE for a key of this kind. */
export function signatureInput(challenge: Challenge, algorithm: KeyAlgorithm): SignatureInput {
  const message = challenge.message();
  switch (algorithm) {
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return { scheme: 'rsa-pss-sha256', bytes: emsaPss(message, Number(algorithm.slice(3))) };
    case 'p256':
      return { scheme: 'ecdsa-sha256', bytes: createHash('sha256').update(message).digest() };
    case 'p384':
      return { scheme: 'ecdsa-sha384', bytes: createHash('sha384').update(message).digest() };
    case 'ed25519':
      return { scheme: 'ed25519', bytes: message };
    default:
      return assertNever(algorithm);
  }
}

/** The same for a document about the key itself: PKCS#1 v1.5 for RSA, which each reader of certificates knows. */
export function documentInput(document: UnsignedDocument): Buffer {
  const { hash, publicKey } = document;
  const body = document.body();
  if (hash === null) return body;
  const digest = createHash(hash).update(body).digest();
  return publicKey.algorithm.startsWith('rsa')
    ? emsaPkcs1(digest, Number(publicKey.algorithm.slice(3)) / 8)
    : digest;
}

/** DigestInfo of SHA-256 up to the hash (RFC 8017, 9.2, note 1). */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** EMSA-PKCS1-v1_5 of a SHA-256 hash (RFC 8017, 9.2). */
function emsaPkcs1(digest: Buffer, emLen: number): Buffer {
  const padding = Buffer.alloc(emLen - 3 - SHA256_INFO.length - digest.length, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.alloc(1), SHA256_INFO, digest]);
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** MGF1 with SHA-256 (RFC 8017, B.2.1). */
function mgf1(seed: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0; counter * 32 < length; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    blocks.push(sha256(seed, number));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/**
 * EMSA-PSS-ENCODE with SHA-256, MGF1-SHA-256 and a 32-byte salt (RFC 8017, 9.1.1): exactly as long as the modulus, and
 * below it, because emBits is one less than its bits.
 * @param modulusBits a multiple of 8
 */
export function emsaPss(message: Uint8Array, modulusBits: number, salt: Buffer = randomBytes(32)): Buffer {
  const emLen = modulusBits / 8;
  const hash = sha256(Buffer.alloc(8), sha256(message), salt); // steps 2, 5 and 6
  const db = Buffer.alloc(emLen - hash.length - 1); // steps 7 and 8
  db.writeUInt8(0x01, db.length - salt.length - 1);
  db.set(salt, db.length - salt.length);
  const mask = mgf1(hash, db.length); // step 9
  const masked = db.map((byte, index) => byte ^ (mask[index] ?? 0)); // step 10
  masked[0] = (masked[0] ?? 0) & 0x7f; // step 11
  return Buffer.concat([masked, hash, Buffer.from([0xbc])]); // step 12
}

/**
 * The signature in the reply of GENERAL AUTHENTICATE: 7C with one 82 in it, nothing else, 1 to 512 bytes.
 * @throws AgentError `card-fault`
 */
export function readSignature(reply: Uint8Array): Buffer {
  try {
    const [response, ...others] = readTlvs(readOnly(reply, DYNAMIC_AUTHENTICATION_TEMPLATE));
    if (response?.tag !== RESPONSE || others.length > 0)
      throw new AgentError('malformed', { detail: 'no single 82' });
    if (response.value.length === 0 || response.value.length > MAX_SIGNATURE_BYTES) {
      throw new AgentError('malformed', { detail: `a signature of ${response.value.length} bytes` });
    }
    return response.value;
  } catch (cause) {
    throw new AgentError('card-fault', { detail: 'the reply is no signature', cause });
  }
}
