// Whether a certificate fits a rule of sss-certmap(5). Pure.

import { nameText, type CertificateFields } from '../../agent/model/key/certificate-fields.ts';
import { parseCertmapRule } from './parse.ts';
import type { CertmapPart, CertmapRule } from './rule.ts';

/** sss-certmap(5): what counts when there is no rule. */
const DEFAULT_RULE = parseCertmapRule('<KU>digitalSignature<EKU>clientAuth');

/** Longest text that a pattern is tried on: longer ones do not match. */
const MAX_TEXT = 2048;

function tests(pattern: RegExp, text: string): boolean {
  return text.length <= MAX_TEXT && pattern.test(text);
}

function partMatches(part: CertmapPart, fields: CertificateFields): boolean {
  switch (part.kind) {
    case 'subject':
      return tests(part.pattern, nameText(fields.subject));
    case 'issuer':
      return tests(part.pattern, nameText(fields.issuer));
    // As SSSD: without key usage a certificate is good for every use (RFC 5280, 4.2.1.3); extended uses must be named.
    case 'key-usage':
      return part.all.every((usage) => fields.keyUsage?.includes(usage) !== false);
    case 'extended-key-usage':
      return part.all.every((usage) => fields.extendedKeyUsage?.includes(usage) === true);
    case 'alt-name':
      return fields.altNames.some(
        ({ kind, value }) => part.kinds.includes(kind) && tests(part.pattern, value),
      );
  }
}

export function matchesRule(rule: CertmapRule, fields: CertificateFields): boolean {
  const matches = (part: CertmapPart): boolean => partMatches(part, fields);
  return (
    rule.parts.length > 0 && (rule.combine === 'all' ? rule.parts.every(matches) : rule.parts.some(matches))
  );
}

/** The rule that a certificate fits; null for none. No rules: SSSD's default rule. */
export function matchingRule(rules: readonly CertmapRule[], fields: CertificateFields): CertmapRule | null {
  return (rules.length === 0 ? [DEFAULT_RULE] : rules).find((rule) => matchesRule(rule, fields)) ?? null;
}
