// What a certificate says, as text (agent/model/key/certificate-fields.ts).

import * as asn1js from 'asn1js';
import { toHex } from '../base/bytes.ts';
import { KEY_USAGES, type CertificateFields } from '../model/key/certificate-fields.ts';
import { extendedKeyUsages, extensionOf, hasKeyUsage, parseChainCertificate } from './certificate.ts';
import { altNames, attributesOf } from './names.ts';
import { EXTENSION } from './oids.ts';

/** @throws AgentError `bad-certificate` */
export function certificateFields(der: Buffer): CertificateFields {
  const certificate = parseChainCertificate(der);
  const keyId = extensionOf(certificate, EXTENSION.subjectKeyIdentifier, asn1js.OctetString);
  const hasUsages = certificate.extensions.has(EXTENSION.keyUsage);
  return {
    subject: attributesOf(certificate.names.subject),
    issuer: attributesOf(certificate.names.issuer),
    keyUsage: hasUsages ? KEY_USAGES.filter((_, bit) => hasKeyUsage(certificate, bit) === true) : null,
    extendedKeyUsage: extendedKeyUsages(certificate),
    altNames: altNames(certificate).flatMap(({ altName }) => (altName === null ? [] : [altName])),
    serialNumber: toHex(certificate.serial),
    subjectKeyId: keyId === null ? null : toHex(keyId.valueBlock.valueHexView),
  };
}
