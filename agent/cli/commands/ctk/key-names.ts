// What a public key is called elsewhere: the bits that macOS hashes, and OpenSSH's fingerprint.
// Specification: RFC 4253, 6.6, and RFC 5656, 3.1 (the blob); OpenSSH's ssh-keygen -l (SHA-256, base64 without padding).

import { createHash } from 'node:crypto';
import { readOnly, readTlvs } from '../../../base/tlv.ts';
import type { PublicKey } from '../../../model/key/key.ts';

const SEQUENCE = 0x30;
/** The first byte of a BIT STRING is how many bits of the last are unused. */
const UNUSED_BITS_BYTES = 1;
const CURVES: Readonly<Record<string, string>> = { p256: 'nistp256', p384: 'nistp384' };

/** The subjectPublicKey: of EC keys the point. */
export function publicKeyBits({ spki }: PublicKey): Buffer {
  const [, bits] = readTlvs(readOnly(spki, SEQUENCE));
  return (bits?.value ?? Buffer.alloc(0)).subarray(UNUSED_BITS_BYTES);
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** `SHA256:…` of an EC key; empty for other kinds, which this machine's chip does not make. */
export function sshFingerprint(key: PublicKey): string {
  const curve = CURVES[key.algorithm];
  if (curve === undefined) return '';
  const parts = [Buffer.from(`ecdsa-sha2-${curve}`), Buffer.from(curve), publicKeyBits(key)];
  const blob = Buffer.concat(parts.map(sshString));
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
