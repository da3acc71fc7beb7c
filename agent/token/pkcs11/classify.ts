// What a key on a PKCS#11 token was made for. PKCS#11 has no word for "for login", so the certificate's usages, the
// key's attributes and the labels decide. Every rule leads away from login: a signature that binds its holder must never
// be made by a login prompt. Specifications: RFC 5280, 4.2.1.3 and 4.2.1.12; PKCS #11 2.40, 4.9.

import type { X509Certificate } from 'node:crypto';
import { readOnly, readTlv, readTlvs } from '../../base/tlv.ts';
import type { KeyUse } from '../../model/token.ts';

/** KeyUsage bits (RFC 5280, 4.2.1.3). */
const DIGITAL_SIGNATURE = 0;
const NON_REPUDIATION = 1;
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const SMARTCARD_LOGON = '1.3.6.1.4.1.311.20.2.2';
const LOGIN_USAGES = [CLIENT_AUTHENTICATION, SMARTCARD_LOGON];
/** 2.5.29.15 in DER. */
const KEY_USAGE_OID = Buffer.from('551d0f', 'hex');

export interface KeyFacts {
  /** null: none on the token, or one that cannot be read. */
  readonly certificate: X509Certificate | null;
  /** Those of the certificate, the public and the private key. */
  readonly labels: readonly string[];
  /** CKA_VERIFY of the public key, CKA_SIGN of the private one; null: not known before the login. */
  readonly signs: boolean | null;
  /** CKA_ALWAYS_AUTHENTICATE: the PIN again for each signature. */
  readonly alwaysAuthenticate: boolean;
  /** The private key can be used without a PIN. */
  readonly withoutPin: boolean;
}

/** Whether KeyUsage has a bit; null where the certificate has no KeyUsage. @throws AgentError `malformed` */
export function hasKeyUsage(der: Uint8Array, bit: number): boolean | null {
  const tbs = readTlvs(readOnly(der, 0x30))[0]?.value ?? Buffer.alloc(0);
  const extensions = readTlvs(tbs).find(({ tag }) => tag === 0xa3);
  if (extensions === undefined) return null;
  for (const extension of readTlvs(readOnly(extensions.value, 0x30))) {
    const parts = readTlvs(extension.value);
    if (parts[0]?.value.equals(KEY_USAGE_OID) !== true) continue;
    const bits = readTlv(parts.at(-1)?.value ?? Buffer.alloc(0))[0].value;
    // BIT STRING: the first byte counts unused bits, bit 0 is the highest of the next.
    return (((bits[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
  }
  return null;
}

/** What a certificate's usages say; null: nothing against login. */
function useOfCertificate(certificate: X509Certificate): KeyUse | null {
  if (hasKeyUsage(certificate.raw, NON_REPUDIATION) === true) return 'signature';
  if (hasKeyUsage(certificate.raw, DIGITAL_SIGNATURE) === false) return 'key-management';
  const usages = certificate.keyUsage as string[] | undefined;
  const forLogin = [...LOGIN_USAGES, ANY_EXTENDED_KEY_USAGE];
  if (usages !== undefined && usages.length > 0 && !usages.some((oid) => forLogin.includes(oid)))
    return 'signature';
  return null;
}

function useOfLabels(labels: readonly string[]): KeyUse | null {
  const all = labels.join('\n');
  if (/\bretired\b/i.test(all)) return 'retired';
  if (/\bcard auth/i.test(all)) return 'card-authentication';
  if (/key management|encrypt|decrypt|decipher|\bKM\b/i.test(all)) return 'key-management';
  if (/signature|\bsign(ing)?\b|non.?repud|qualified/i.test(all)) return 'signature';
  return null;
}

/** Only what nothing speaks against is for login. */
export function classify(facts: KeyFacts): KeyUse {
  const { certificate, labels, signs, alwaysAuthenticate, withoutPin } = facts;
  if (withoutPin) return 'card-authentication';
  if (signs === false) return 'key-management';
  let use: KeyUse | null;
  try {
    use = certificate === null ? null : useOfCertificate(certificate);
  } catch {
    use = 'signature'; // usages that cannot be read are not ours to guess
  }
  use ??= useOfLabels(labels);
  if (use !== null) return use;
  // A key that wants its PIN for each use is one for documents, unless its certificate says that it is for logins.
  const usages = certificate?.keyUsage ?? [];
  if (alwaysAuthenticate && !usages.some((oid) => LOGIN_USAGES.includes(oid))) return 'signature';
  return 'authentication';
}
