// What ties a certificate to the account of a directory: the strong mappings of Active Directory, which name this very
// certificate or key, or the account by its SID, and the weak ones, which names in a certificate are enough for. Pure.
// Sources: Microsoft's KB5014754, [MS-PKCA] 2.2.2.7.7.4 (the SID extension), sss-certmap(5).

import { WEAK_BINDINGS, type Binding, type WeakBinding } from '../agent/model/key/certificate-binding.ts';
import {
  altNamesOf,
  only,
  type CertificateFields,
  type NameAttribute,
} from '../agent/model/key/certificate-fields.ts';
import type { DirectoryUser } from '../agent/model/key/directory-user.ts';

const SID = /^S-1-\d{1,15}(-\d{1,10}){1,15}$/;
const SID_URI = 'tag:microsoft.com,2022-09-14:sid:';
/** X509, and one or two parts: <I>…<SR>…, <SKI>…; more is none that Active Directory knows. */
const IDENTITY = /^X509:<([A-Z0-9-]+)>([^<]+)(?:<([A-Z0-9-]+)>([^<]+))?$/;

/** How Active Directory, and SSSD's templates !ad_x500 and !nss_x500, write what RFC 4514 has other words for. */
const AD_TYPES: Readonly<Record<string, string>> = {
  ST: 'S',
  title: 'T',
  GN: 'G',
  serialNumber: 'SERIALNUMBER',
};

function quoted(value: string): string {
  // With the backslash, by which it could be read as the other spelling of another name.
  return /[,+="\r\n<>#;\\]|^ | $/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function escaped(value: string): string {
  return value.replace(/[\\,+"<>;]/g, (sign) => `\\${sign}`);
}

/** A name in the order of the certificate (X.500), as it may stand in a directory. */
function spellings(name: readonly NameAttribute[]): string[] {
  const write = (typeOf: (type: string) => string, valueOf: (value: string) => string): string =>
    name.map(({ type, value }) => `${typeOf(type)}=${valueOf(value)}`).join(',');
  const ad = (type: string): string => AD_TYPES[type] ?? (/^\d/.test(type) ? `OID.${type}` : type);
  return [quoted, escaped].flatMap((value) => [write(ad, value), write((type) => type, value)]);
}

function sameText(one: string | null, other: string): boolean {
  return one !== null && one !== '' && one.toLowerCase() === other.toLowerCase();
}

/** The serial number as Active Directory writes it, its least significant byte first; null: it is no positive number. */
function reversedSerial(hex: string): string | null {
  const bytes = Buffer.from(hex, 'hex');
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0 || (bytes[0] ?? 0) >= 0x80) return null;
  return bytes.subarray(first).reverse().toString('hex');
}

/** Of one value of altSecurityIdentities. */
function identityBinding(text: string, fields: CertificateFields): Binding | null {
  const [, first, one = '', second, other = ''] = IDENTITY.exec(text) ?? [];
  const isIssuer = first === 'I' && spellings(fields.issuer).includes(one);
  switch (second === undefined ? first : isIssuer ? `I,${second}` : undefined) {
    case 'I,SR':
      return sameText(reversedSerial(fields.serialNumber), other) ? 'issuer_serial' : null;
    case 'I,S':
      return spellings(fields.subject).includes(other) ? 'issuer_subject' : null;
    case 'SKI':
      return sameText(fields.subjectKeyId, one) ? 'subject_key_id' : null;
    case 'SHA1-PUKEY':
      return fields.sha1.some((hash) => sameText(hash, one)) ? 'public_key' : null;
    case 'S':
      return spellings(fields.subject).includes(one) ? 'subject' : null;
    case 'RFC822':
      return sameText(only(altNamesOf(fields, 'rfc822Name')), one) ? 'rfc822' : null;
    default:
      return null;
  }
}

/** By the SID that the certificate's authority has put into it. */
function sidBinding(fields: CertificateFields, user: DirectoryUser): Binding | null {
  const sid = only(user.sids);
  if (sid === null || !SID.test(sid)) return null;
  if (fields.sid === sid) return 'sid';
  return only(sidUris(fields)) === `${SID_URI}${sid}` ? 'sid_uri' : null;
}

function sidUris(fields: CertificateFields): string[] {
  return altNamesOf(fields, 'uniformResourceIdentifier').filter((uri) => uri.startsWith(SID_URI));
}

/**
 * What ties the certificate to the user: a strong binding where there is one, else a weak one of those that are taken.
 * A certificate that says a SID, and not this user's, has no weak one.
 */
export function bindingOf(
  fields: CertificateFields,
  user: DirectoryUser,
  weak: readonly WeakBinding[],
): Binding | null {
  const bySid = sidBinding(fields, user);
  const found = user.securityIdentities.map((text) => identityBinding(text, fields));
  const strong = [bySid, ...found].find((one) => one !== null && !isWeak(one)) ?? null;
  if (strong !== null || fields.sid !== null || sidUris(fields).length > 0) return strong;
  const upn = only(altNamesOf(fields, 'ntPrincipalName'));
  const names = sameText(upn, only(user.principalNames) ?? '') ? (['upn'] as const) : [];
  const candidates: readonly (Binding | null)[] = [...found, ...names, 'sssd'];
  return candidates.find((one) => one !== null && isWeak(one) && weak.includes(one)) ?? null;
}

export function isWeak(binding: Binding): binding is WeakBinding {
  return (WEAK_BINDINGS as readonly string[]).includes(binding);
}
