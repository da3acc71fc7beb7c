// Settings that are valid one by one and cannot be meant together. The text names both.

import type { Policy } from '../policy/policy.ts';
import { isListed } from '../policy/services.ts';

/** null when there is none. */
export function contradiction({
  login,
  trust,
  mapping,
  attestation,
  piv,
  enforcement,
  fleet,
}: Policy): string | null {
  if (attestation.required) {
    if (attestation.roots.length === 0)
      return "attestation.required is set and attestation.roots is empty: no key could be paired; name the makers' authorities";
    if (mapping.attribute !== 'none' || mapping.source === 'sssd')
      return `attestation.required and mapping.${mapping.source === 'sssd' ? 'source' : 'attribute'} are set: a mapped card is never paired, so nothing would be attested`;
    if (piv.isolate)
      return 'attestation.required and piv.isolate are set: the isolated driver cannot ask a card for an attestation';
  }
  if (trust.level > 0 && trust.authorities.length === 0)
    return `trust.level is ${trust.level} and trust.authorities is empty: no card could log in; name the authorities`;
  if (trust.level > 1 && !trust.ocsp && !trust.crlDownload && trust.crlFiles.length === 0)
    return `trust.level is ${trust.level}, but trust.ocsp and trust.crl_download are off and trust.crl_files is empty: nothing could say that a certificate is revoked`;
  const bySssd = mapping.source === 'sssd';
  if (bySssd && mapping.attribute !== 'none')
    return 'mapping.source is "sssd" and mapping.attribute is set: only one of them can say whose a certificate is';
  if (!bySssd && (mapping.weak.length > 0 || mapping.several))
    return 'mapping.weak and mapping.several are for mapping.source "sssd", which is not set';
  if (bySssd && (trust.level === 0 || trust.pinned.length === 0))
    return 'mapping.source is "sssd" and trust.level is 0 or trust.pinned is empty: only chains to a pinned authority may be mapped';
  if (mapping.attribute !== 'none') {
    if (trust.level === 0 || trust.pinned.length === 0)
      return 'mapping.attribute is set and trust.level is 0 or trust.pinned is empty: only chains to a pinned authority may be mapped';
    if (mapping.fields.length === 0)
      return 'mapping.attribute is set and mapping.fields is empty: name the fields for $1';
  }
  if ((fleet.realm === '') !== (fleet.officers.length === 0))
    return 'fleet.realm and fleet.officers belong together: one of them is empty';
  const used = [...mapping.format.matchAll(/\$([1-9])/g)].map(([, digit]) => Number(digit));
  const highest = Math.max(0, ...used);
  if (mapping.fields.length > 0 && highest > mapping.fields.length)
    return `mapping.format uses $${highest} and mapping.fields has ${mapping.fields.length}`;
  const closed = enforcement.services.find(
    (service) => service !== '*' && !isListed(login.services, service),
  );
  if (closed !== undefined)
    return `enforcement.services names ${closed}, where login.services does not let a card be used`;
  if (fleet.base === '' && fleet.url.some((url) => url.startsWith('ldap')))
    return 'fleet.url names a directory and fleet.base is empty: name the entry below which the book is';
  if (fleet.bind === 'simple' && fleet.bindDn === '')
    return 'fleet.bind is "simple" and fleet.bind_dn is empty: name the account in the directory';
  return null;
}
