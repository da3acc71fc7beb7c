// The parts of an X.509 certificate that are read from its bytes, without a library. RFC 5280, 4.1.

import { AgentError } from '../../base/errors.ts';
import { findTlv, readOnly, readTlvs } from '../../base/tlv.ts';

const INTEGER = 0x02;
const SEQUENCE = 0x30;
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;

interface CertificateParts {
  /** 1 or 3. */
  readonly version: number;
  /** The content of the INTEGER. */
  readonly serialNumber: Buffer;
  /** The contents of the Names, and of the two times. */
  readonly issuer: Buffer;
  readonly validity: Buffer;
  readonly subject: Buffer;
  /** What is in each extension's OCTET STRING, by the content of its OID in hex; of two the first. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** @throws AgentError `malformed` */
export function certificateParts(der: Uint8Array): CertificateParts {
  const tbs = readTlvs(readTlvs(readOnly(der, SEQUENCE))[0]?.value ?? Buffer.alloc(0));
  const version = (findTlv(tbs, VERSION_TAG)?.at(-1) ?? 0) + 1;
  const [serialNumber, , issuer, validity, subject] = tbs.filter(({ tag }) => tag !== VERSION_TAG);
  if (
    serialNumber?.tag !== INTEGER ||
    issuer?.tag !== SEQUENCE ||
    validity?.tag !== SEQUENCE ||
    subject?.tag !== SEQUENCE
  )
    throw new AgentError('malformed', { detail: 'a field of the certificate is missing' });
  const list = tbs.find(({ tag }) => tag === EXTENSIONS_TAG);
  const extensions = new Map<string, Buffer>();
  for (const extension of list === undefined ? [] : readTlvs(readOnly(list.value, SEQUENCE))) {
    const parts = readTlvs(extension.value);
    const type = parts[0]?.value.toString('hex') ?? '';
    if (!extensions.has(type)) extensions.set(type, parts.at(-1)?.value ?? Buffer.alloc(0));
  }
  return {
    ...{ version, serialNumber: serialNumber.value, issuer: issuer.value, validity: validity.value },
    ...{ subject: subject.value, extensions },
  };
}
