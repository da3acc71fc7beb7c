// General names (RFC 5280, 4.2.1.6) as text: for rules, mappings and name constraints.

import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { readOnly } from '../base/tlv.ts';
import { nameText, type AltName, type NameAttribute } from '../model/key/certificate-fields.ts';
import { extensionOf, type ParsedCertificate } from './certificate.ts';
import { ATTRIBUTE_NAMES, EXTENSION, PKINIT_NAME, SMTP_UTF8_MAILBOX, UPN } from './oids.ts';

/** Tags of GeneralName. */
export const GENERAL_NAME = { other: 0, email: 1, dns: 2, directory: 4, uri: 6 } as const;

export function attributesOf(name: pkijs.RelativeDistinguishedNames): NameAttribute[] {
  return name.typesAndValues.map(({ type, value }) => ({
    type: ATTRIBUTE_NAMES[type] ?? type,
    value: String((value as unknown as { valueBlock: { value: unknown } }).valueBlock.value),
  }));
}

/** One name of a subjectAltName or a constraint; `value` is null for kinds that are not read. */
export interface GeneralName {
  readonly tag: number;
  readonly altName: AltName | null;
  /** The content of a directory name, for comparison; null for other kinds. */
  readonly directory: Buffer | null;
}

function textOf(block: unknown): string | null {
  const { valueBlock } = (block ?? {}) as { valueBlock?: { value?: unknown } };
  return typeof valueBlock?.value === 'string' ? valueBlock.value : null;
}

/** KRB5PrincipalName ::= SEQUENCE { realm [0], principalName [1] { type [0], strings [1] } } (RFC 4556, 3.2.2). */
function principalOf(value: unknown): string | null {
  const parts = (block: unknown): unknown[] => {
    const { valueBlock } = (block ?? {}) as { valueBlock?: { value?: unknown } };
    return Array.isArray(valueBlock?.value) ? (valueBlock.value as unknown[]) : [];
  };
  const [realmPart, namePart] = parts(value);
  const realm = textOf(parts(realmPart)[0]);
  const names = parts(parts(parts(parts(namePart)[0])[1])[0]).map(textOf);
  return realm === null || names.length === 0 || names.includes(null) ? null : `${names.join('/')}@${realm}`;
}

function otherNameType(value: unknown): string {
  const [type] = (value as { valueBlock?: { value?: unknown[] } }).valueBlock?.value ?? [];
  return type instanceof asn1js.ObjectIdentifier ? type.valueBlock.toString() : '';
}

/** OtherName as pkijs leaves it: [type OID, [0] value]. */
function otherName(value: unknown): AltName | null {
  const [, wrapped] = (value as { valueBlock?: { value?: unknown[] } }).valueBlock?.value ?? [];
  const oid = otherNameType(value);
  const inner = (wrapped as { valueBlock?: { value?: unknown[] } } | undefined)?.valueBlock?.value?.[0];
  if (oid === UPN) {
    const text = textOf(inner);
    return text === null ? null : { kind: 'ntPrincipalName', value: text };
  }
  if (oid === PKINIT_NAME) {
    const text = principalOf(inner);
    return text === null ? null : { kind: 'pkinit', value: text };
  }
  return null;
}

function altNameOf({ type, value }: pkijs.GeneralName): AltName | null {
  switch (type) {
    case GENERAL_NAME.other:
      return otherName(value);
    case GENERAL_NAME.email:
      return { kind: 'rfc822Name', value: String(value) };
    case GENERAL_NAME.dns:
      return { kind: 'dNSName', value: String(value) };
    case GENERAL_NAME.directory:
      return {
        kind: 'directoryName',
        value: nameText(attributesOf(value as pkijs.RelativeDistinguishedNames)),
      };
    case GENERAL_NAME.uri:
      return { kind: 'uniformResourceIdentifier', value: String(value) };
    default:
      return null;
  }
}

/** @throws AgentError `malformed` */
export function generalName(name: pkijs.GeneralName): GeneralName {
  const tag = name.type;
  const value: unknown = name.value;
  if (tag === GENERAL_NAME.directory) {
    const { valueBeforeDecode } = value as pkijs.RelativeDistinguishedNames;
    const der = Buffer.from(valueBeforeDecode);
    return { tag, altName: altNameOf(name), directory: readOnly(der, 0x30) };
  }
  // An e-mail address too, of a kind that is not read (RFC 9598).
  if (tag === GENERAL_NAME.other && otherNameType(value) === SMTP_UTF8_MAILBOX)
    return { tag: GENERAL_NAME.email, altName: null, directory: null };
  return { tag, altName: altNameOf(name), directory: null };
}

/** The names of the subjectAltName; empty when there is none. */
export function altNames(certificate: ParsedCertificate): GeneralName[] {
  const extension = extensionOf(certificate, EXTENSION.subjectAltName, pkijs.AltName);
  return extension?.altNames.map(generalName) ?? [];
}
