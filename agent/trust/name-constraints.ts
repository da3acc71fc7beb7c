// Name constraints of an authority (RFC 5280, 4.2.1.10): directory names, e-mail addresses, DNS names and UPNs are
// compared; where an authority constrains a kind that is not, a certificate with such a name is refused.

import * as pkijs from 'pkijs';
import type { AltName } from '../model/certificate-fields.ts';
import { extensionOf, type ParsedCertificate } from './certificate.ts';
import { altNames, attributesOf, generalName, type GeneralName } from './names.ts';
import { EMAIL_ADDRESS, EXTENSION } from './oids.ts';

/** Suffix of labels: `example.org` holds `a.example.org`. */
function underDomain(name: string, domain: string): boolean {
  return domain === '' || name === domain || name.endsWith(domain.startsWith('.') ? domain : `.${domain}`);
}

/** RFC 5280: a whole address, a host, or (with a leading dot) a domain. */
function emailFits(address: string, base: string): boolean {
  const host = address.slice(address.lastIndexOf('@') + 1);
  if (base.includes('@')) return address === base;
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** Both texts are RFC 4514, most specific first: a subtree is a suffix, at a border of parts. */
function directoryFits(name: string, base: string): boolean {
  return base === '' || name === base || (name.endsWith(`,${base}`) && !name.endsWith(`\\,${base}`));
}

/** null: this kind cannot be compared. */
function fits(name: AltName, base: AltName): boolean | null {
  const [a, b] = [name.value.toLowerCase(), base.value.toLowerCase()];
  switch (base.kind) {
    case 'rfc822Name':
      return emailFits(a, b);
    case 'dNSName':
      return underDomain(a, b);
    case 'directoryName':
      return directoryFits(a, b);
    case 'ntPrincipalName':
      return b.includes('@') && !b.startsWith('@') ? a === b : a.endsWith(b.startsWith('@') ? b : `@${b}`);
    default:
      return null;
  }
}

/** All names of a certificate that constraints speak of: subject, e-mail in the subject, alternative names. */
function namesOf(certificate: ParsedCertificate): GeneralName[] {
  const { subject } = certificate.names;
  const names = [...altNames(certificate)];
  if (subject.typesAndValues.length > 0)
    names.push(generalName(new pkijs.GeneralName({ type: 4, value: subject })));
  const emails = subject.typesAndValues.filter(({ type }) => type === EMAIL_ADDRESS);
  const values = attributesOf(new pkijs.RelativeDistinguishedNames({ typesAndValues: emails }));
  for (const { value } of values) names.push({ tag: 1, altName: { kind: 'rfc822Name', value } });
  return names;
}

/** Whether `name` is in the subtree; null when that cannot be told. */
function inSubtree(name: GeneralName, base: GeneralName): boolean | null {
  if (name.altName === null || base.altName === null) return null;
  if (name.altName.kind !== base.altName.kind) return name.tag === 0 ? null : false;
  return fits(name.altName, base.altName);
}

/** Why a certificate is outside of what an authority may vouch for; null when it is inside. */
export function constraintFault(authority: ParsedCertificate, certificate: ParsedCertificate): string | null {
  const constraints = extensionOf(authority, EXTENSION.nameConstraints, pkijs.NameConstraints);
  if (constraints === null) return null;
  const bases = (trees: pkijs.GeneralSubtree[] | undefined): GeneralName[] =>
    (trees ?? []).map(({ base }) => generalName(base));
  const [allowed, excluded] = [bases(constraints.permittedSubtrees), bases(constraints.excludedSubtrees)];
  for (const name of namesOf(certificate)) {
    const sameKind = (base: GeneralName): boolean => base.tag === name.tag;
    // What cannot be compared counts as excluded, and as not allowed.
    if (excluded.filter(sameKind).some((base) => inSubtree(name, base) !== false))
      return 'a name that its authority may not vouch for (excluded)';
    const mine = allowed.filter(sameKind);
    if (mine.length > 0 && !mine.some((base) => inSubtree(name, base) === true))
      return 'a name that its authority may not vouch for';
  }
  return null;
}
