// What the key of a card is good for, as people read it (Sign, Decrypt, Unwrap, Derive): by the certificate's key usage,
// and where there is none, by what its driver says that it was made for. For show only.

import { hasKeyUsage, KEY_USAGE_BIT } from '../../model/key/certificate-uses.ts';
import type { WireItem } from '../../protocol/io-scauth.ts';

export interface KeyUses {
  readonly sign: boolean;
  readonly decrypt: boolean;
  readonly unwrap: boolean;
  readonly derive: boolean;
}

/** Kind and size of a key, as system_profiler names them. */
export function keyKind(algorithm: string): { readonly kind: string; readonly bits: number } {
  switch (algorithm) {
    case 'p256':
    case 'p384':
      return { kind: 'ECC', bits: Number(algorithm.slice(1)) };
    case 'ed25519':
      return { kind: 'Ed25519', bits: 256 };
    default:
      return { kind: 'RSA', bits: Number(algorithm.replace(/^rsa/, '')) || 0 };
  }
}

/** @param certificate DER, or null. @throws AgentError `malformed` */
export function usesOf(item: Pick<WireItem, 'use' | 'algorithm'>, certificate: Buffer | null): KeyUses {
  const { kind } = keyKind(item.algorithm);
  const says = (bit: number): boolean | null => (certificate === null ? null : hasKeyUsage(certificate, bit));
  const isForDecryption = item.use === 'key-management' || item.use === 'retired';
  if (says(KEY_USAGE_BIT.digitalSignature) === null) {
    const [rsa, ecc] = [isForDecryption && kind === 'RSA', isForDecryption && kind === 'ECC'];
    return { sign: !isForDecryption, decrypt: rsa, unwrap: rsa, derive: ecc };
  }
  const wraps = kind === 'RSA' && says(KEY_USAGE_BIT.keyEncipherment) === true;
  return {
    sign: says(KEY_USAGE_BIT.digitalSignature) === true || says(KEY_USAGE_BIT.nonRepudiation) === true,
    decrypt: wraps || (kind === 'RSA' && says(KEY_USAGE_BIT.dataEncipherment) === true),
    unwrap: wraps,
    derive: kind === 'ECC' && says(KEY_USAGE_BIT.keyAgreement) === true,
  };
}

/** `Sign Decrypt Unwrap` */
export function usesText({ sign, decrypt, unwrap, derive }: KeyUses): string {
  const words = [sign && 'Sign', decrypt && 'Decrypt', unwrap && 'Unwrap', derive && 'Derive'];
  const said = words.filter((word) => word !== false);
  return said.length === 0 ? 'none' : said.join(' ');
}
