// From a certificate to an account without a pairing: fields, a format (mapping-format.ts), one comparison. Pure. Whether the certificate's
// chain is trusted is decided before (permit-certificate.ts).

import {
  altNamesOf,
  nameText,
  only,
  type CertificateFields,
  type NameAttribute,
} from '../agent/model/key/certificate-fields.ts';
import { matchingRule } from './certmap/match.ts';
import { formatFields, type FieldName } from './mapping-format.ts';
import type { MappingPolicy } from './policy.ts';

function attributes(name: readonly NameAttribute[], type: string): string[] {
  return name.filter((attribute) => attribute.type === type).map(({ value }) => value);
}

/** null: the certificate does not have the field, or has it twice. */
const FIELDS: Readonly<Record<FieldName, (fields: CertificateFields) => string | null>> = {
  common_name: ({ subject }) => only(attributes(subject, 'CN')),
  email: (fields) => only(altNamesOf(fields, 'rfc822Name')),
  upn: (fields) => only(altNamesOf(fields, 'ntPrincipalName')),
  // macOS: OrganizationalUnit:1 to :3, in the certificate's order.
  organizational_unit: ({ subject }) => attributes(subject, 'OU')[0] ?? null,
  organizational_unit_2: ({ subject }) => attributes(subject, 'OU')[1] ?? null,
  organizational_unit_3: ({ subject }) => attributes(subject, 'OU')[2] ?? null,
  organization: ({ subject }) => only(attributes(subject, 'O')),
  country: ({ subject }) => only(attributes(subject, 'C')),
  serial: ({ serialNumber }) => serialNumber,
  issuer: ({ issuer }) => nameText(issuer),
  subject_key_id: ({ subjectKeyId }) => subjectKeyId,
};

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
    policy.fields.map((name) => FIELDS[name](fields)),
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
