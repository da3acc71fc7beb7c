// What a certificate says, as text (agent/model/key/certificate-fields.ts).

import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import { toHex } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import { readTlvs } from '../base/tlv.ts';
import { KEY_USAGES, type CertificateFields } from '../model/key/certificate-fields.ts';
import {
  extendedKeyUsages,
  extensionOf,
  hasKeyUsage,
  parseChainCertificate,
  type ParsedCertificate,
} from './certificate.ts';
import { altNames, attributesOf } from './names.ts';
import { EXTENSION } from './oids.ts';

/** szOID_NTDS_OBJECTSID: 1.3.6.1.4.1.311.25.2.1 */
const SID_NAME = Buffer.from('2b060104018237190201', 'hex');
const LONGEST_SID = 200;
const EMPTY = Buffer.alloc(0);

/** What is in one element with this tag and nothing else. @throws AgentError `malformed` */
function inside(bytes: Uint8Array, ...tags: readonly number[]): Buffer[] {
  const found = readTlvs(bytes);
  if (found.length !== tags.length || found.some(({ tag }, at) => tag !== tags[at]))
    throw new AgentError('malformed', { detail: 'the SID extension' });
  return found.map(({ value }) => value);
}

/** SEQUENCE { [0] { szOID_NTDS_OBJECTSID, [0] { OCTET STRING of the SID's text } } } */
function sidOf({ extensions }: ParsedCertificate): string | null {
  const extension = extensions.get(EXTENSION.accountSid);
  if (extension === undefined) return null;
  try {
    const [names = EMPTY] = inside(extension.extnValue.valueBlock.valueHexView, 0x30);
    const [name = EMPTY] = inside(names, 0xa0);
    const [type = EMPTY, wrapped = EMPTY] = inside(name, 0x06, 0xa0);
    const [sid = EMPTY] = inside(wrapped, 0x04);
    return type.equals(SID_NAME) && sid.length <= LONGEST_SID ? sid.toString('latin1') : '';
  } catch {
    return '';
  }
}

function sha1(bytes: Uint8Array): string {
  return toHex(createHash('sha1').update(bytes).digest());
}

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
    sid: sidOf(certificate),
    sha1: [
      certificate.keyBits,
      certificate.publicKey.export({ type: 'spki', format: 'der' }),
      certificate.der,
    ].map(sha1),
  };
}
