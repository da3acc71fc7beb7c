// Name constraints of an authority (RFC 5280, 4.2.1.10): directory names, e-mail addresses, DNS names and UPNs are
// compared; where an authority constrains a kind that is not, a certificate with such a name is refused.

import * as pkijs from 'pkijs';
import { readOnly, readTlvs } from '../base/tlv.ts';
import type { AltName } from '../model/key/certificate-fields.ts';
import { extensionOf, type ParsedCertificate } from './certificate.ts';
import { isUnder } from './distinguished-name.ts';
import { altNames, attributesOf, GENERAL_NAME, generalName, type GeneralName } from './names.ts';
import { EMAIL_ADDRESS, EXTENSION } from './oids.ts';

const HOST = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** A host's name for comparison; null for what is none: it could hide where it belongs. */
function hostOf(text: string): string | null {
  const host = text.toLowerCase().replace(/\.$/, '');
  return HOST.test(host) ? host : null;
}

/** @param base a host, or with a leading dot what is below it */
function hostFits(host: string, base: string, orBelow: boolean): boolean | null {
  const wanted = hostOf(base.replace(/^\./, ''));
  if (wanted === null) return null;
  const isBelow = host.endsWith(`.${wanted}`);
  return base.startsWith('.') ? isBelow : host === wanted || (orBelow && isBelow);
}

function domainFits(name: string, base: string): boolean | null {
  const host = hostOf(name);
  if (base === '') return true;
  return host === null ? null : hostFits(host, base, true);
}

/** RFC 5280: a whole address, a host, or (with a leading dot) a domain. UPNs are constrained in the same way. */
function addressFits(address: string, base: string): boolean | null {
  if (base === '') return true;
  const [at, baseAt] = [address.lastIndexOf('@'), base.lastIndexOf('@')];
  const host = hostOf(address.slice(at + 1));
  if (at <= 0 || host === null) return null;
  const isHost = hostFits(host, base.slice(baseAt + 1), false);
  if (baseAt <= 0 || isHost !== true) return isHost;
  const [local, baseLocal] = [address.slice(0, at), base.slice(0, baseAt)];
  if (local === baseLocal) return true;
  // Whether case counts there is the host's to say.
  return local.toLowerCase() === baseLocal.toLowerCase() ? null : false;
}

/** null: this kind cannot be compared. */
function fits(name: AltName, base: AltName): boolean | null {
  switch (base.kind) {
    case 'rfc822Name':
    case 'ntPrincipalName':
      return addressFits(name.value, base.value);
    case 'dNSName':
      return domainFits(name.value, base.value);
    default:
      return null;
  }
}

/** All names of a certificate that constraints speak of: subject, e-mail in the subject, alternative names. */
function namesOf(certificate: ParsedCertificate): GeneralName[] {
  const { subject } = certificate.names;
  const names = [...altNames(certificate)];
  if (subject.typesAndValues.length > 0)
    names.push({ tag: GENERAL_NAME.directory, altName: null, directory: certificate.subject });
  const emails = subject.typesAndValues.filter(({ type }) => type === EMAIL_ADDRESS);
  const values = attributesOf(new pkijs.RelativeDistinguishedNames({ typesAndValues: emails }));
  for (const { value } of values)
    names.push({ tag: GENERAL_NAME.email, altName: { kind: 'rfc822Name', value }, directory: null });
  return names;
}

/** Whether `name` is in the subtree; null when that cannot be told. */
function inSubtree(name: GeneralName, base: GeneralName): boolean | null {
  if (name.directory !== null && base.directory !== null) {
    try {
      return isUnder(name.directory, base.directory);
    } catch {
      return null;
    }
  }
  if (name.altName === null || base.altName === null) return null;
  if (name.altName.kind !== base.altName.kind) return name.tag === 0 ? null : false;
  return fits(name.altName, base.altName);
}

/**
 * Whether a subtree has a minimum other than 0, or a maximum: RFC 5280, 4.2.1.10, knows neither. Read off the bytes:
 * pkijs looks for them under tags that nobody writes, and passes over those that are there.
 */
function hasDepths({ extensions }: ParsedCertificate): boolean {
  const bytes = extensions.get(EXTENSION.nameConstraints)?.extnValue.valueBlock.valueHexView;
  if (bytes === undefined) return false;
  const trees = readTlvs(readOnly(bytes, 0x30)).flatMap(({ value }) => readTlvs(value));
  return trees.some(({ value: tree }) => {
    const [, ...depths] = readTlvs(tree);
    return depths.some(({ tag, value }) => tag !== 0x80 || value.some((byte) => byte !== 0));
  });
}

/** Why a certificate is outside of what an authority may vouch for; null when it is inside. */
export function constraintFault(authority: ParsedCertificate, certificate: ParsedCertificate): string | null {
  const constraints = extensionOf(authority, EXTENSION.nameConstraints, pkijs.NameConstraints);
  if (constraints === null) return null;
  if (hasDepths(authority)) return 'name constraints with a minimum or maximum';
  const bases = (of: pkijs.GeneralSubtree[] | undefined): GeneralName[] =>
    (of ?? []).map(({ base }) => generalName(base));
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
