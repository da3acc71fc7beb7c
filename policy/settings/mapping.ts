// [mapping]: cards without a pairing, whose certificate names the account, or whose account SSSD names. Only for chains
// to a pinned authority.

import * as v from 'valibot';
import { WEAK_BINDINGS } from '../../agent/model/key/certificate-binding.ts';
import { parseCertmapRule } from '../certmap/parse.ts';
import { FIELD_NAMES, isMappingFormat } from '../mapping-format.ts';
import { flag, list, word, type SettingTable } from './setting.ts';

function isRule(text: string): boolean {
  try {
    parseCertmapRule(text);
    return true;
  } catch {
    return false;
  }
}

const rule = v.pipe(
  v.string('must be text'),
  v.maxLength(2000, 'must have at most 2000 characters'),
  v.check(isRule, 'must be a rule of sss-certmap(5)'),
  v.transform(parseCertmapRule),
);

export const mappingSettings = {
  source: {
    schema: word(['local', 'sssd']),
    default: 'local',
    meaning:
      'Who says which account a certificate is for. "local": attribute, fields and format below. "sssd": the directory behind SSSD, asked by its InfoPipe (sssd-ifp(5)) at each login with a card that nobody has paired; scauth takes its word where the directory names this very certificate, or the certificate names the account by its SID. The account that logs in must be the one that SSSD names, by name and uid, and never root. rules hold as for "local". Needs trust.level 1 or more and trust.pinned.',
  },
  weak: {
    schema: list(
      word(WEAK_BINDINGS),
      'must be a list of names',
      WEAK_BINDINGS.length,
      `must have at most ${WEAK_BINDINGS.length} names`,
    ),
    default: [],
    unit: 'names',
    meaning:
      'What is enough for "sssd" besides: "issuer_subject", "subject" and "rfc822" (altSecurityIdentities by names alone), "upn" (userPrincipalName), or "sssd" (whatever rules SSSD has, for example the whole certificate in the directory, which SSSD compares and scauth cannot). Warning: with a name, everybody gets the account to whom a pinned authority gives a certificate with that name.',
  },
  several: {
    schema: flag,
    default: false,
    meaning:
      'Whether a certificate that SSSD gives to several accounts opens the one of them that is named at the login. false: it opens none.',
  },
  attribute: {
    schema: word(['none', 'name', 'gecos']),
    default: 'none',
    meaning:
      'What of the account must be equal to the formatted fields: its login name, or its full name (the first part of GECOS). "none" switches mapping off. Needs trust.level 1 or more and trust.pinned. Warning: whoever gets such a certificate from a pinned authority gets the account.',
  },
  rules: {
    schema: list(rule, 'must be a list of rules', 32, 'must have at most 32 rules'),
    default: [],
    unit: 'sss-certmap(5) rules',
    meaning:
      'Which certificates are looked at: <SUBJECT>, <ISSUER>, <KU>, <EKU>, <SAN…> as in SSSD. One must match; [] means <KU>digitalSignature<EKU>clientAuth.',
  },
  fields: {
    schema: list(word(FIELD_NAMES), 'must be a list of fields', 9, 'must have at most 9 fields'),
    default: [],
    unit: 'fields of the certificate',
    meaning: `The fields for $1, $2, … in their order. Known: ${FIELD_NAMES.join(', ')}.`,
  },
  format: {
    schema: v.pipe(
      v.string('must be text'),
      v.maxLength(200, 'must have at most 200 characters'),
      v.check(isMappingFormat, 'must be text with $1 to $9 ($$ is a dollar sign)'),
    ),
    default: '$1',
    meaning:
      'The text that the account attribute must be equal to. $1 is the first field, and so on; a "$2" inside a field is text and no field.',
  },
} as const satisfies SettingTable;
