// From a certificate to an account without a pairing: fields, a format, one comparison. Pure. Whether the certificate's
// chain is trusted is decided before (permit-certificate.ts).

import type { CertificateFields, NameAttribute } from '../agent/model/certificate-fields.ts';
import { nameText } from '../agent/model/certificate-fields.ts';
import { matchingRule } from './certmap/match.ts';
import type { MappingPolicy } from './policy.ts';

/** macOS' names for the fields of a certificate in the spelling of scauth.toml. */
export const FIELD_NAMES = [
  'common_name',
  'email',
  'upn',
  'organizational_unit',
  'organizational_unit_2',
  'organizational_unit_3',
  'organization',
  'country',
  'serial',
  'issuer',
  'subject_key_id',
] as const;

const FORMAT_PART = /\$\$|\$[1-9]|[^$]+/y;

/** The parts of a format: `$1` … `$9`, `$$`, text. null where a `$` stands for nothing. */
function formatParts(format: string): string[] | null {
  const parts: string[] = [];
  FORMAT_PART.lastIndex = 0;
  while (FORMAT_PART.lastIndex < format.length) {
    const found = FORMAT_PART.exec(format);
    if (found === null) return null;
    parts.push(found[0]);
  }
  return parts;
}

/** Whether a format names a field at least; one without would give every certificate the same account. */
export function isMappingFormat(format: string): boolean {
  return formatParts(format)?.some((part) => /^\$[1-9]$/.test(part)) === true;
}

/** The only value of its kind; a certificate with two common names says neither. */
function only(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null;
}

function attributes(name: readonly NameAttribute[], type: string): string[] {
  return name.filter((attribute) => attribute.type === type).map(({ value }) => value);
}

/** null: the certificate does not have the field, or has it twice. An unknown name is null too. */
export function fieldOf(name: string, fields: CertificateFields): string | null {
  switch (name as (typeof FIELD_NAMES)[number]) {
    case 'common_name':
      return only(attributes(fields.subject, 'CN'));
    case 'email':
      return only(fields.altNames.filter(({ kind }) => kind === 'rfc822Name').map(({ value }) => value));
    case 'upn':
      return only(fields.altNames.filter(({ kind }) => kind === 'ntPrincipalName').map(({ value }) => value));
    // macOS: OrganizationalUnit:1 to :3, in the certificate's order.
    case 'organizational_unit':
      return attributes(fields.subject, 'OU')[0] ?? null;
    case 'organizational_unit_2':
      return attributes(fields.subject, 'OU')[1] ?? null;
    case 'organizational_unit_3':
      return attributes(fields.subject, 'OU')[2] ?? null;
    case 'organization':
      return only(attributes(fields.subject, 'O'));
    case 'country':
      return only(attributes(fields.subject, 'C'));
    case 'serial':
      return fields.serialNumber;
    case 'issuer':
      return nameText(fields.issuer);
    case 'subject_key_id':
      return fields.subjectKeyId;
    default:
      return null;
  }
}

/**
 * The text that the account's attribute must be equal to. Each part of the format is replaced once, by position, so
 * that a "$2" inside a field stays text.
 * @returns null when a field is missing or empty, or the format is none
 */
export function formatFields(format: string, values: readonly (string | null)[]): string | null {
  const parts = formatParts(format);
  if (parts === null || !isMappingFormat(format)) return null;
  const texts = parts.map((part) => {
    if (part === '$$') return '$';
    if (!part.startsWith('$')) return part;
    const value = values[Number(part.slice(1)) - 1] ?? null;
    return value === '' ? null : value;
  });
  return texts.includes(null) ? null : texts.join('');
}

/** What of an account is compared. */
export interface AccountAttributes {
  readonly name: string;
  /** The first part of GECOS. */
  readonly gecos: string;
}

export type MappingResult =
  | { readonly kind: 'off' }
  | { readonly kind: 'no-rule' }
  | { readonly kind: 'no-field' }
  /** `text` is what the attribute must be; `rule` is the one that matched. */
  | { readonly kind: 'text'; readonly text: string; readonly rule: string };

/** What a certificate maps to, without an account. */
export function mapCertificate(policy: MappingPolicy, fields: CertificateFields): MappingResult {
  if (policy.attribute === 'none') return { kind: 'off' };
  const rule = matchingRule(policy.rules, fields);
  if (rule === null) return { kind: 'no-rule' };
  const text = formatFields(
    policy.format,
    policy.fields.map((name) => fieldOf(name, fields)),
  );
  return text === null ? { kind: 'no-field' } : { kind: 'text', text, rule: rule.text };
}

/** Whether a certificate is this account's. Equal to the letter; an empty attribute is nobody's. */
export function mapsTo(
  policy: MappingPolicy,
  fields: CertificateFields,
  account: AccountAttributes,
): boolean {
  const result = mapCertificate(policy, fields);
  if (result.kind !== 'text' || policy.attribute === 'none') return false;
  const wanted = account[policy.attribute];
  return wanted !== '' && wanted === result.text;
}
