// Where a certificate says that its revocation can be asked: OCSP responders and distribution points, http only.

import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { extensionOf, type ParsedCertificate } from './certificate.ts';
import { isHttpUrl } from './http.ts';
import { EXTENSION, OCSP_ACCESS } from './oids.ts';

const URI = 6;
/** Most places that are asked for one certificate. */
const MAX_PLACES = 4;

export function ocspResponders(certificate: ParsedCertificate): string[] {
  const access = extensionOf(certificate, EXTENSION.authorityInfoAccess, pkijs.InfoAccess);
  return (access?.accessDescriptions ?? [])
    .filter(({ accessMethod, accessLocation }) => accessMethod === OCSP_ACCESS && accessLocation.type === URI)
    .map(({ accessLocation }) => String(accessLocation.value))
    .filter(isHttpUrl)
    .slice(0, MAX_PLACES);
}

/** All URIs, also those that cannot be asked: a list for one of them names it. */
export function distributionPoints(certificate: ParsedCertificate): string[] {
  const points = extensionOf(certificate, EXTENSION.crlDistributionPoints, pkijs.CRLDistributionPoints);
  return (
    (points?.distributionPoints ?? [])
      // Points for some reasons only, or with another issuer, say too little.
      .filter(({ reasons, cRLIssuer }) => !(reasons instanceof asn1js.BitString) && cRLIssuer === undefined)
      .flatMap(({ distributionPoint }) => (Array.isArray(distributionPoint) ? distributionPoint : []))
      .filter(({ type }) => type === URI)
      .map(({ value }) => String(value))
  );
}

export function crlUrls(certificate: ParsedCertificate): string[] {
  return distributionPoints(certificate).filter(isHttpUrl).slice(0, MAX_PLACES);
}
