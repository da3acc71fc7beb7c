// What a certificate says, as text: for matching rules, mappings and explanations. Claims, until a chain vouches.

/** One attribute of a name, in the order of the certificate. `type` is a short name (CN, O, …) or a dotted OID. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** The kinds that are read; others are left out. */
export type AltNameKind =
  'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier' | 'directoryName' | 'ntPrincipalName' | 'pkinit';

export interface AltName {
  readonly kind: AltNameKind;
  readonly value: string;
}

/** RFC 5280, 4.2.1.3, in the order of the bits. */
export const KEY_USAGES: readonly string[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

export interface CertificateFields {
  readonly subject: readonly NameAttribute[];
  readonly issuer: readonly NameAttribute[];
  /** Of KEY_USAGES; null when the extension is not there. */
  readonly keyUsage: readonly string[] | null;
  /** Dotted OIDs; null when the extension is not there. */
  readonly extendedKeyUsage: readonly string[] | null;
  readonly altNames: readonly AltName[];
  /** Upper-case hex. */
  readonly serialNumber: string;
  /** Upper-case hex; null when the extension is not there. */
  readonly subjectKeyId: string | null;
  /** The account's SID in Active Directory's extension; null when it is not there, empty when it cannot be read. */
  readonly sid: string | null;
  /** SHA-1, upper-case hex: of the bits of the key, of its SubjectPublicKeyInfo, and of the certificate. */
  readonly sha1: readonly string[];
}

/** The only value; a certificate with two common names says neither. */
export function only<T>(values: readonly T[]): T | null {
  return values.length === 1 ? (values[0] ?? null) : null;
}

export function altNamesOf({ altNames }: CertificateFields, wanted: AltNameKind): string[] {
  return altNames.filter(({ kind }) => kind === wanted).map(({ value }) => value);
}

function escapeValue(value: string): string {
  // RFC 4514, 2.4
  return value
    .replace(/[\\,+"<>;]/g, (character) => `\\${character}`)
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/ $/, '\\ ');
}

/** RFC 4514: the most specific part first, `CN=Ada,O=Org`. */
export function nameText(name: readonly NameAttribute[]): string {
  return name
    .toReversed()
    .map(({ type, value }) => `${type}=${escapeValue(value)}`)
    .join(',');
}
