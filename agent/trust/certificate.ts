// A certificate taken apart for path validation: node:crypto for keys, pkijs for the extensions. Parsing decides
// nothing. RFC 5280, 4.

import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import * as pkijs from 'pkijs';
import { AgentError } from '../base/errors.ts';
import { toHex } from '../base/bytes.ts';
import { readTlvs } from '../base/tlv.ts';
import { hasKeyUsage as keyUsageOf } from '../model/key/certificate-uses.ts';
import { MAX_CERTIFICATE_BYTES } from '../model/key/key.ts';
import { readSigned, type Signed } from './der.ts';
import { EXTENSION } from './oids.ts';

const SEQUENCE = 0x30;
const VERSION_TAG = 0xa0;

export interface ParsedCertificate {
  readonly der: Buffer;
  /** Of the whole, upper-case hex. */
  readonly sha256: string;
  readonly signed: Signed;
  /** The contents of the names (distinguished-name.ts compares them) and of the serial number. */
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly serial: Buffer;
  readonly publicKey: KeyObject;
  /** The bits of the key (RFC 6960: issuerKeyHash is over these). */
  readonly keyBits: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly names: pkijs.Certificate;
  /** By OID; each at most once. */
  readonly extensions: ReadonlyMap<string, pkijs.Extension>;
}

function bad(detail: string, cause?: unknown): AgentError {
  return new AgentError('bad-certificate', { detail, cause });
}

/** pkijs wants an ArrayBuffer of its own. */
export function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function extensionsOf(certificate: pkijs.Certificate): Map<string, pkijs.Extension> {
  const found = new Map<string, pkijs.Extension>();
  for (const extension of certificate.extensions ?? []) {
    if (found.has(extension.extnID)) throw bad(`the extension ${extension.extnID} twice`);
    found.set(extension.extnID, extension);
  }
  return found;
}

/** @throws AgentError `bad-certificate` */
export function parseChainCertificate(der: Buffer): ParsedCertificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw bad('longer than 32 KiB');
  try {
    const signed = readSigned(der);
    const fields = readTlvs(signed.content).filter(({ tag }) => tag !== VERSION_TAG);
    // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    const [serial, algorithm, issuer, validity, subject, spki] = fields;
    if (!serial || !algorithm || !issuer || !validity || !subject || !spki || subject.tag !== SEQUENCE)
      throw bad('a field is missing');
    const x509 = new X509Certificate(der);
    const names = pkijs.Certificate.fromBER(arrayBuffer(der));
    // RFC 5280, 4.1.1.2: the algorithm inside and outside must be the same.
    if (names.signature.algorithmId !== signed.algorithm.oid) throw bad('two signature algorithms');
    return {
      der,
      sha256: toHex(createHash('sha256').update(der).digest()),
      signed,
      subject: subject.value,
      issuer: issuer.value,
      serial: serial.value,
      publicKey: x509.publicKey,
      keyBits: readTlvs(spki.value)[1]?.value.subarray(1) ?? Buffer.alloc(0),
      notBeforeMs: names.notBefore.value.getTime(),
      notAfterMs: names.notAfter.value.getTime(),
      names,
      extensions: extensionsOf(names),
    };
  } catch (error) {
    throw error instanceof AgentError && error.code === 'bad-certificate'
      ? error
      : bad('not an X.509 certificate', error);
  }
}

/** The extension as pkijs' class; null when it is not there. @throws AgentError `bad-certificate` */
export function extensionOf<T>(
  { extensions }: ParsedCertificate,
  oid: string,
  type: abstract new (...parameters: never[]) => T,
): T | null {
  const extension = extensions.get(oid);
  if (extension === undefined) return null;
  const value: unknown = extension.parsedValue;
  if (!(value instanceof type)) throw bad(`the extension ${oid} cannot be read`);
  return value;
}

/** Bit `bit` of the key usage; null when there is no such extension. @throws AgentError `bad-certificate` */
export function hasKeyUsage({ der }: ParsedCertificate, bit: number): boolean | null {
  try {
    return keyUsageOf(der, bit);
  } catch (error) {
    throw bad('the key usage cannot be read', error);
  }
}

/** Dotted OIDs; null when there is no such extension. */
export function extendedKeyUsages(certificate: ParsedCertificate): string[] | null {
  return extensionOf(certificate, EXTENSION.extKeyUsage, pkijs.ExtKeyUsage)?.keyPurposes ?? null;
}
