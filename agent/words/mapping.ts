// What is said of a card that nobody has paired, and whose account SSSD was asked for ([mapping]): in explain, `sc_auth map
// test`, and of a login in both logs.

import type { Binding, MappingRefusal } from '../model/key/certificate-binding.ts';

const BY: Readonly<Record<Binding, string>> = {
  sid: "by the account's SID in the certificate",
  sid_uri: "by the account's SID among the certificate's names",
  issuer_serial: 'by issuer and serial number',
  subject_key_id: 'by its subject key identifier',
  public_key: 'by the hash of its key',
  issuer_subject: 'by issuer and subject alone (mapping.weak)',
  subject: 'by its subject alone (mapping.weak)',
  rfc822: 'by its e-mail address alone (mapping.weak)',
  upn: 'by its user principal name alone (mapping.weak)',
  sssd: "by SSSD's own rules alone (mapping.weak)",
};

export const sssdMaps = (binding: Binding): string =>
  `SSSD gives the certificate to this account, ${BY[binding]}`;

/** For `sc_auth map test`. */
export const sssdNames = (name: string, uid: number, binding: Binding | null): string =>
  binding === null
    ? `SSSD names ${name} (uid ${uid}), but nothing in the directory names this very certificate, or in it the account.`
    : `SSSD names ${name} (uid ${uid}), ${BY[binding]}.`;

const REFUSALS: Readonly<Record<MappingRefusal['why'], string>> = {
  root: 'root is never looked up by SSSD',
  'no-answer': 'SSSD gave no answer that could be used',
  nobody: 'SSSD knows nobody for the certificate',
  several: 'SSSD gives the certificate to several accounts (mapping.several)',
  'other-account': 'SSSD gives the certificate to another account',
  unbound:
    'SSSD names this account, and nothing in the directory names this very certificate, or in it the account (mapping.weak)',
  rule: 'no rule of mapping.rules fits the certificate',
  chain: 'SSSD was not asked: the certificate is not trusted here',
  unreadable: 'the certificate cannot be read',
};

export function mappingRefused({ why, detail }: MappingRefusal): string {
  return detail === null ? REFUSALS[why] : `${REFUSALS[why]} (${detail})`;
}
