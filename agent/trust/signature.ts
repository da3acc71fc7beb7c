// Signatures on certificates, lists and responses. Only the algorithms named here count: SHA-1, MD5 and unknown ones
// are no signatures. RFC 4055 (RSA, PSS), RFC 5758 (ECDSA), RFC 8410 (Ed25519).

import { constants, verify, type KeyObject } from 'node:crypto';
import { readOnly, readTlvs, findTlv } from '../base/tlv.ts';
import { readAlgorithm, type Algorithm, type Signed } from './der.ts';

interface Way {
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
}

const WAYS: Readonly<Record<string, Way>> = {
  '1.2.840.113549.1.1.11': { keyType: 'rsa', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { keyType: 'rsa', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { keyType: 'rsa', hash: 'sha512' },
  '1.2.840.10045.4.3.2': { keyType: 'ec', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { keyType: 'ec', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { keyType: 'ec', hash: 'sha512' },
  '1.3.101.112': { keyType: 'ed25519', hash: null },
};

const RSA_PSS = '1.2.840.113549.1.1.10';
const HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** The hash of RSASSA-PSS-params (RFC 4055, 3.1); null for SHA-1, which is the default there. */
function pssHash({ parameters }: Algorithm): 'sha256' | 'sha384' | 'sha512' | null {
  if (parameters === null) return null;
  const hash = findTlv(readTlvs(readOnly(parameters, 0x30)), 0xa0);
  if (hash === undefined) return null;
  return HASHES[readAlgorithm(readOnly(hash, 0x30)).oid] ?? null;
}

/** Why a signature by this algorithm does not count; null when it may. */
export function algorithmFault(algorithm: Algorithm): string | null {
  if (Object.hasOwn(WAYS, algorithm.oid)) return null;
  if (algorithm.oid === RSA_PSS) return pssHash(algorithm) === null ? 'signed with a weak hash' : null;
  const weak = ['1.2.840.113549.1.1.5', '1.2.840.10045.4.1', '1.2.840.113549.1.1.4'].includes(algorithm.oid);
  return weak
    ? 'signed with a weak hash (SHA-1 or MD5)'
    : `signed with an unknown algorithm (${algorithm.oid})`;
}

/** Why a key is too weak to vouch for others; null when it is not. */
export function keyFault(key: KeyObject): string | null {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (modulusLength ?? 0) < 2048 ? `RSA key of ${String(modulusLength)} bits` : null;
    case 'ec':
      return ['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve ?? '')
        ? null
        : `key on the curve ${String(namedCurve)}`;
    case 'ed25519':
      return null;
    default:
      return `key of the type ${String(key.asymmetricKeyType)}`;
  }
}

/** Whether `key` has made the signature, by an algorithm that counts. Never throws for a bad signature. */
export function isSignedBy(signed: Signed, key: KeyObject): boolean {
  if (algorithmFault(signed.algorithm) !== null || keyFault(key) !== null) return false;
  const type = key.asymmetricKeyType;
  try {
    if (signed.algorithm.oid === RSA_PSS) {
      const hash = pssHash(signed.algorithm);
      if (hash === null || (type !== 'rsa' && type !== 'rsa-pss')) return false;
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const saltLength = constants.RSA_PSS_SALTLEN_AUTO;
      return verify(hash, signed.tbs, { key, padding, saltLength }, signed.signature);
    }
    const way = WAYS[signed.algorithm.oid];
    return way !== undefined && type === way.keyType && verify(way.hash, signed.tbs, key, signed.signature);
  } catch {
    return false;
  }
}
