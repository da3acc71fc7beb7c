// Yubico's metadata: the public key of a slot without certificate, and when it wants a touch.
// Claims, like all else that a card says. Specification: Yubico PIV extensions, GET METADATA; SP 800-73-4 part 2, table 11 (public keys).

import { createPublicKey } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { findTlv, readTlvs, type Tlv } from '../../base/tlv.ts';
import { publicKeyOf, type KeyAlgorithm, type PublicKey } from '../../model/key/key.ts';
import type { PinPolicy, TouchPolicy } from '../../model/card/token.ts';
import * as P from './constants.ts';

/** Whether the historical bytes of the ATR hold `YubiKey`, in any case and any firmware's spelling. */
export function isYubiKey(atr: Uint8Array): boolean {
  return /yubikey/i.test(Buffer.from(atr).toString('latin1'));
}

/**
 * The public key of a slot.
 * @returns null for a kind of key that we cannot use
 * @throws AgentError `malformed`, `weak-key`
 */
export function readMetadataKey(metadata: Uint8Array): PublicKey | null {
  const elements = readTlvs(metadata);
  const mechanism = findTlv(elements, P.METADATA_ALGORITHM)?.[0];
  const key = findTlv(elements, P.METADATA_PUBLIC_KEY);
  const algorithm = (Object.keys(P.CRYPTOGRAPHIC_MECHANISM) as KeyAlgorithm[]).find(
    (name) => P.CRYPTOGRAPHIC_MECHANISM[name] === mechanism,
  );
  if (key === undefined || algorithm === undefined) return null;
  return readPublicKey(algorithm, key);
}

/**
 * The parts of a public key, as metadata and GENERATE ASYMMETRIC KEY PAIR show them.
 * @throws AgentError `malformed`, `weak-key`
 */
export function readPublicKey(algorithm: KeyAlgorithm, parts: Uint8Array): PublicKey {
  let keyObject;
  try {
    keyObject = createPublicKey({ key: jwk(algorithm, readTlvs(parts)), format: 'jwk' });
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'no public key', cause });
  }
  return publicKeyOf(keyObject);
}

function jwk(algorithm: KeyAlgorithm, parts: readonly Tlv[]): Record<string, string> {
  const part = (tag: number): Buffer => findTlv(parts, tag) ?? Buffer.alloc(0);
  const text = (bytes: Buffer): string => bytes.toString('base64url');
  if (algorithm.startsWith('rsa')) {
    return { kty: 'RSA', n: text(part(P.PUBLIC_KEY_MODULUS)), e: text(part(P.PUBLIC_KEY_EXPONENT)) };
  }
  const point = part(P.PUBLIC_KEY_POINT);
  if (algorithm === 'ed25519') return { kty: 'OKP', crv: 'Ed25519', x: text(point) };
  // Uncompressed: 04, x, y (SEC 1, 2.3.3).
  const size = (point.length - 1) / 2;
  const crv = algorithm === 'p256' ? 'P-256' : 'P-384';
  return { kty: 'EC', crv, x: text(point.subarray(1, 1 + size)), y: text(point.subarray(1 + size)) };
}

/** Whether a key works at once: it wants no PIN and no touch. @throws AgentError `malformed` */
export function worksByItself(metadata: Uint8Array): boolean {
  const { pin, touch } = readPolicies(metadata);
  return pin === 'never' && touch === 'never';
}

/** What a key wants of its holder before it is used; null where the card does not say. */
export interface KeyPolicies {
  readonly pin: PinPolicy | null;
  readonly touch: TouchPolicy | null;
}

export const NO_POLICIES: KeyPolicies = { pin: null, touch: null };

/** By a key's metadata. @throws AgentError `malformed` */
export function readPolicies(metadata: Uint8Array): KeyPolicies {
  const [pin = 0, touch = 0] = findTlv(readTlvs(metadata), P.METADATA_POLICY) ?? [];
  return { pin: P.PIN_POLICY[pin] ?? null, touch: P.TOUCH_POLICY[touch] ?? null };
}
