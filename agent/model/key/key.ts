// Public keys and their names. A key is compared whole (SPKI); its SHA-1 hash, pkhh, only names and finds it.

import { createHash, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { copyBytes, toHex } from '../../base/bytes.ts';
import { pemBlocks } from '../../base/pem.ts';
import { readOnly, readTlvs } from '../../base/tlv.ts';
import { holderName } from './holder-name.ts';
import { hasRocaFingerprint } from './roca.ts';

declare const pkhhBrand: unique symbol;
/**
 * Public key hash: SHA-1 over the subjectPublicKey bits (for RSA the PKCS#1 RSAPublicKey), 40 upper-case hex digits.
 * The same value as macOS' `sc_auth`.
 */
export type Pkhh = string & { readonly [pkhhBrand]: true };

/** What a key is, as login knows it. Anything else cannot log in. */
export type KeyAlgorithm = 'rsa2048' | 'rsa3072' | 'rsa4096' | 'p256' | 'p384' | 'ed25519';

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER (RFC 5280, 4.1). */
  readonly spki: Buffer;
  readonly pkhh: Pkhh;
  /** SHA-256 of the SPKI, 64 upper-case hex digits. */
  readonly sha256: string;
  readonly keyObject: KeyObject;
}

/** Longest SPKI that we read: RSA-4096 is 550 bytes. */
const MAX_SPKI_BYTES = 1200;

/**
 * Parses a hash as people type it: 40 hex digits, any case, spaces and colons between bytes allowed.
 * @throws AgentError `invalid-argument`
 */
export function parsePkhh(text: string): Pkhh {
  const digits = text.replace(/[\s:]/g, '').toUpperCase();
  if (!/^[0-9A-F]{40}$/.test(digits)) {
    throw new AgentError('invalid-argument', { say: 'a key hash has 40 hexadecimal digits' });
  }
  return digits as Pkhh;
}

function rsaAlgorithmOf(key: KeyObject): KeyAlgorithm {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== 2048 && bits !== 3072 && bits !== 4096)
    throw new AgentError('weak-key', { say: `RSA of ${String(bits)} bits` });
  const { n = '' } = key.export({ format: 'jwk' });
  if (hasRocaFingerprint(Buffer.from(n, 'base64url')))
    throw new AgentError('weak-key', { say: 'an RSA key that can be factored (ROCA, CVE-2017-15361)' });
  return `rsa${bits}`;
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return rsaAlgorithmOf(key);
    case 'ec':
      if (details?.namedCurve === 'prime256v1') return 'p256';
      if (details?.namedCurve === 'secp384r1') return 'p384';
      throw new AgentError('weak-key', { say: `curve ${String(details?.namedCurve)}` });
    case 'ed25519':
      return 'ed25519';
    default:
      throw new AgentError('weak-key', { say: `key type ${String(key.asymmetricKeyType)}` });
  }
}

/**
 * Parses a SubjectPublicKeyInfo (DER, at most 1200 bytes). The point of an EC key must be on its curve.
 * @throws AgentError `malformed` for bytes that are no key, `weak-key` for a kind, size or origin (ROCA) that we do
 * not accept
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  if (spki.length > MAX_SPKI_BYTES) throw new AgentError('malformed', { detail: 'public key too long' });
  let keyObject: KeyObject;
  try {
    keyObject = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new AgentError('malformed', { detail: 'not a public key', cause });
  }
  return publicKeyOf(keyObject);
}

/**
 * The public key of a key object.
 * @throws AgentError `weak-key`
 */
export function publicKeyOf(keyObject: KeyObject): PublicKey {
  const algorithm = algorithmOf(keyObject);
  const spki = keyObject.export({ format: 'der', type: 'spki' });
  // SubjectPublicKeyInfo ::= SEQUENCE { algorithm, subjectPublicKey BIT STRING }; the first content byte of the
  // BIT STRING counts unused bits and is no part of the key.
  const bits = readTlvs(readOnly(spki, 0x30))[1]?.value.subarray(1) ?? Buffer.alloc(0);
  return {
    algorithm,
    spki,
    pkhh: toHex(createHash('sha1').update(bits).digest()) as Pkhh,
    sha256: toHex(createHash('sha256').update(spki).digest()),
    keyObject,
  };
}

/** OBJECT IDENTIFIERs of keys and curves, with their tag and length (RFC 8017, RFC 5480, RFC 8410). */
const OIDS: readonly (readonly [string, KeyAlgorithm | 'rsa'])[] = [
  ['06092a864886f70d010101', 'rsa'],
  ['06082a8648ce3d030107', 'p256'],
  ['06052b81040022', 'p384'],
  ['06032b6570', 'ed25519'],
];

/** What kind a key is that parsePublicKey has taken before, read off its bytes; null: no kind that it takes. */
export function algorithmOfSpki(spki: Uint8Array): KeyAlgorithm | null {
  const head = Buffer.from(spki.subarray(0, 40)).toString('hex');
  const kind = OIDS.find(([oid]) => head.includes(oid))?.[1] ?? null;
  if (kind !== 'rsa') return kind;
  // Besides the modulus there are some forty bytes at most.
  const bits = [2048, 3072, 4096] as const;
  const fitting = bits.findLast((size) => spki.length > size / 8);
  return fitting === undefined ? null : `rsa${fitting}`;
}

/** Whether two keys are the same key: the whole SPKI, not a hash. */
export function sameKey(a: PublicKey, b: PublicKey): boolean {
  return a.spki.equals(b.spki);
}

/** What we keep of a certificate; a claim of the card until somebody decides to trust it. */
export interface Certificate {
  /** DER, as read. */
  readonly der: Buffer;
  readonly publicKey: PublicKey;
  /** What the holder is called (holder-name.ts); never empty. Not yet safe to print: use `printable`. */
  readonly holder: string;
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hex. */
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Basic constraints say CA: it vouches for others. */
  readonly isAuthority: boolean;
}

/** Longest certificate that we read, in bytes. */
export const MAX_CERTIFICATE_BYTES = 32 * 1024;

/**
 * Parses an X.509 certificate (DER).
 * @throws AgentError `bad-certificate`, or `weak-key` for a key that cannot log in
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES)
    throw new AgentError('bad-certificate', { detail: 'certificate too long' });
  let x509: X509Certificate;
  try {
    readOnly(der, 0x30);
    x509 = new X509Certificate(Buffer.from(der));
  } catch (cause) {
    throw new AgentError('bad-certificate', { detail: 'not an X.509 certificate', cause });
  }
  return describeCertificate(x509, copyBytes(der));
}

/**
 * Parses the first certificate of a PEM text (or a DER file).
 * @throws AgentError `bad-certificate`, `weak-key`
 */
export function parseCertificateFile(bytes: Buffer): Certificate {
  if (bytes.length > 4 * MAX_CERTIFICATE_BYTES)
    throw new AgentError('bad-certificate', { detail: 'file too long' });
  if (bytes[0] === 0x30) return parseCertificate(bytes);
  const [first] = pemBlocks(bytes, 'CERTIFICATE');
  if (first === undefined) throw new AgentError('bad-certificate', { detail: 'neither PEM nor DER' });
  return parseCertificate(first);
}

function describeCertificate(x509: X509Certificate, der: Buffer): Certificate {
  let keyObject: KeyObject;
  try {
    keyObject = x509.publicKey;
  } catch (cause) {
    throw new AgentError('bad-certificate', { detail: 'its key cannot be read', cause });
  }
  const subject = x509.subject as string | undefined;
  const issuer = x509.issuer as string | undefined;
  return {
    der,
    publicKey: publicKeyOf(keyObject),
    holder: holderName(der, x509.serialNumber),
    subject: (subject ?? '').split('\n').join(', '),
    issuer: (issuer ?? '').split('\n').join(', '),
    serialNumber: x509.serialNumber,
    notBeforeMs: Date.parse(x509.validFrom),
    notAfterMs: Date.parse(x509.validTo),
    isAuthority: x509.ca,
  };
}
