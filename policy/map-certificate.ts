// From a certificate to an account without a pairing: fields, a format (mapping-format.ts), one comparison. Pure. Whether the certificate's
// chain is trusted is decided before (permit-certificate.ts).

import type { CertificateFields, NameAttribute } from '../agent/model/key/certificate-fields.ts';
import { nameText } from '../agent/model/key/certificate-fields.ts';
import { matchingRule } from './certmap/match.ts';
import { formatFields, type FieldName } from './mapping-format.ts';
import type { MappingPolicy } from './policy.ts';

/** The only value of its kind; a certificate with two common names says neither. */
function only(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] ?? null) : null;
}

function attributes(name: readonly NameAttribute[], type: string): string[] {
  return name.filter((attribute) => attribute.type === type).map(({ value }) => value);
}

/** null: the certificate does not have the field, or has it twice. */
function fieldOf(name: FieldName, fields: CertificateFields): string | null {
  switch (name) {
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
  }
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
