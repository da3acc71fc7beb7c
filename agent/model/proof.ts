// From a card's signature to something that may open a door. verifyProof is the only maker of a VerifiedProof.

import { constants, verify } from 'node:crypto';
import { assertNever } from '../base/assert.ts';
import { AgentError } from '../base/errors.ts';
import type { Challenge } from './challenge.ts';
import type { KeyAlgorithm, PublicKey } from './key/key.ts';

/** How the message was signed. A closed set; the verifier also checks that it fits the paired key. */
export type ProofScheme = 'rsa-pss-sha256' | 'rsa-pkcs1-sha256' | 'ecdsa-sha256' | 'ecdsa-sha384' | 'ed25519';

export interface Proof {
  readonly scheme: ProofScheme;
  /** RSA: modulus length. ECDSA: DER. Ed25519: 64 bytes. Unchecked: it comes from a card. */
  readonly signature: Uint8Array;
}

/**
 * RSA: the length of the modulus and no other (RFC 8017, 8.1.2 and 8.2.2), because OpenSSL also takes a signature whose
 * leading zeros are left out. ECDSA in DER: two integers of the curve's length and their headers at most.
 */
const signatureBytes: Record<KeyAlgorithm, readonly [min: number, max: number]> = {
  rsa2048: [256, 256],
  rsa3072: [384, 384],
  rsa4096: [512, 512],
  p256: [8, 72],
  p384: [8, 104],
  ed25519: [64, 64],
};

const schemesOf: Record<KeyAlgorithm, readonly ProofScheme[]> = {
  rsa2048: ['rsa-pss-sha256', 'rsa-pkcs1-sha256'],
  rsa3072: ['rsa-pss-sha256', 'rsa-pkcs1-sha256'],
  rsa4096: ['rsa-pss-sha256', 'rsa-pkcs1-sha256'],
  p256: ['ecdsa-sha256'],
  p384: ['ecdsa-sha384'],
  ed25519: ['ed25519'],
};

const maker = Symbol('verifyProof');

/** Evidence that the paired key signed our challenge. Only verifyProof makes one. */
export class VerifiedProof {
  readonly key: PublicKey;
  readonly #genuine = true;

  constructor(by: typeof maker, key: PublicKey) {
    if ((by as unknown) !== maker) throw new AgentError('internal', { detail: 'a VerifiedProof was forged' });
    this.key = key;
    Object.freeze(this);
  }

  /** True for an object that this class made, whatever its type says. */
  static isGenuine(value: unknown): value is VerifiedProof {
    return typeof value === 'object' && value !== null && #genuine in value && value.#genuine;
  }
}

function verifies(scheme: ProofScheme, message: Buffer, key: PublicKey, signature: Uint8Array): boolean {
  switch (scheme) {
    case 'rsa-pss-sha256':
      return verify(
        'sha256',
        message,
        {
          key: key.keyObject,
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
        },
        signature,
      );
    // The key itself, where Node's own choice is ours (PKCS #1 v1.5; DER): what it is wrapped in costs a fifth of P-256.
    case 'rsa-pkcs1-sha256':
    case 'ecdsa-sha256':
      return verify('sha256', message, key.keyObject, signature);
    case 'ecdsa-sha384':
      return verify('sha384', message, key.keyObject, signature);
    case 'ed25519':
      return verify(null, message, key.keyObject, signature);
    default:
      return assertNever(scheme);
  }
}

const schemes: ReadonlySet<string> = new Set(Object.values(schemesOf).flat());

export function isProofScheme(text: string): text is ProofScheme {
  return schemes.has(text);
}

/** Whether `key` made the proof over `message`; for signatures that open no door. */
export function isSignedBy(message: Buffer, proof: Proof, key: PublicKey): boolean {
  try {
    requireSignature(message, proof, key);
    return true;
  } catch {
    return false;
  }
}

/** @throws AgentError `bad-proof` */
function requireSignature(message: Buffer, { scheme, signature }: Proof, key: PublicKey): void {
  const [min, max] = signatureBytes[key.algorithm];
  if (signature.length < min || signature.length > max) {
    throw new AgentError('bad-proof', { detail: `signature of ${signature.length} bytes` });
  }
  if (!schemesOf[key.algorithm].includes(scheme)) {
    throw new AgentError('bad-proof', { detail: `${scheme} does not fit a ${key.algorithm} key` });
  }
  let good = false;
  try {
    good = verifies(scheme, message, key, signature);
  } catch (cause) {
    throw new AgentError('bad-proof', { detail: 'the signature cannot be read', cause });
  }
  if (!good) throw new AgentError('bad-proof', { detail: 'the signature is not by the paired key' });
}

/**
 * Verifies a card's signature over our challenge with the *paired* key.
 * @param key the key of the pairing, never the one that the card has just shown
 * @throws AgentError `bad-proof`
 */
export function verifyProof(challenge: Challenge, proof: Proof, key: PublicKey): VerifiedProof {
  requireSignature(challenge.message(), proof, key);
  return new VerifiedProof(maker, key);
}
