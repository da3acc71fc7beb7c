// What a key on a PKCS#11 token was made for. PKCS#11 has no word for "for login", so the certificate's usages, the
// key's attributes and the labels decide. Every rule leads away from login: a signature that binds its holder must never
// be made by a login prompt. Specifications: RFC 5280, 4.2.1.3 and 4.2.1.12; PKCS #11 2.40, 4.9.

import type { X509Certificate } from 'node:crypto';
import { hasKeyUsage, KEY_USAGE_BIT, namesLogin, permitsLogin } from '../../model/key/certificate-uses.ts';
import type { KeyUse } from '../../model/card/token.ts';

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

/** It may be for signatures that bind its holder. */
function binds(certificate: X509Certificate): boolean {
  return hasKeyUsage(certificate.raw, KEY_USAGE_BIT.nonRepudiation) === true;
}

/** What a certificate's usages say; null: nothing against login. */
function useOfCertificate(certificate: X509Certificate): KeyUse | null {
  const signs = hasKeyUsage(certificate.raw, KEY_USAGE_BIT.digitalSignature);
  const usages = certificate.keyUsage as string[] | undefined;
  // FreeIPA's own profile has both, with an extended usage that says what it is for.
  if (binds(certificate) && !(signs === true && namesLogin(usages ?? []))) return 'signature';
  if (signs === false) return 'key-management';
  if (usages !== undefined && usages.length > 0 && !permitsLogin(usages)) return 'signature';
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
  // A key that wants its PIN for each use is one for documents, unless its certificate is for logins alone.
  if (!alwaysAuthenticate) return 'authentication';
  const forLogins = certificate !== null && namesLogin(certificate.keyUsage) && !binds(certificate);
  return forLogins ? 'authentication' : 'signature';
}
