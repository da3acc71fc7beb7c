// One question to an OCSP responder, and what its answer proves (RFC 6960). An answer counts when it is about this very
// certificate, in time, and signed by the certificate's issuer or by a responder whom that issuer names. Only the
// issuer is trusted for this: no other authority of the machine can answer in its place.

import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { AgentError } from '../base/errors.ts';
import { findTlv, readOnly, readTlvs, writeTlv } from '../base/tlv.ts';
import {
  arrayBuffer,
  extendedKeyUsages,
  parseChainCertificate,
  type ParsedCertificate,
} from './certificate.ts';
import { sameName } from './distinguished-name.ts';
import { OCSP_BASIC, OCSP_SIGNING, SHA1 } from './oids.ts';
import { isSignedBy } from './signature.ts';
import type { Signed } from './der.ts';

/** Longest answer, bytes. */
export const MAX_OCSP_BYTES = 64 * 1024;
const SKEW_MS = 5 * 60_000;
const MAX_CERTIFICATES = 4;

export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Until when it may be used. */
  readonly validUntilMs: number;
}

function bad(detail: string, cause?: unknown): AgentError {
  return new AgentError('malformed', { detail: `OCSP: ${detail}`, cause });
}

/** AlgorithmIdentifier { id-sha1, NULL }: the one that every responder knows; here it only names things. */
const SHA1_IDENTIFIER = writeTlv(0x30, Buffer.from('06052b0e03021a0500', 'hex'));

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest();
}

/** The name as the certificate in question has it (RFC 6960, 4.1.1), which its issuer may write in another way. */
function issuerHashes(
  certificate: ParsedCertificate,
  issuer: ParsedCertificate,
): [name: Buffer, key: Buffer] {
  return [sha1(writeTlv(0x30, certificate.issuer)), sha1(issuer.keyBits)];
}

/** OCSPRequest with one CertID and no extensions. */
export function ocspRequest(certificate: ParsedCertificate, issuer: ParsedCertificate): Buffer {
  const [name, key] = issuerHashes(certificate, issuer);
  const id = [SHA1_IDENTIFIER, writeTlv(0x04, name), writeTlv(0x04, key), writeTlv(0x02, certificate.serial)];
  const request = writeTlv(0x30, writeTlv(0x30, Buffer.concat(id)));
  return writeTlv(0x30, writeTlv(0x30, writeTlv(0x30, request)));
}

function isAbout(id: pkijs.CertID, certificate: ParsedCertificate, issuer: ParsedCertificate): boolean {
  const [name, key] = issuerHashes(certificate, issuer);
  const same = (block: { valueBlock: { valueHexView: Uint8Array } }, bytes: Buffer): boolean =>
    bytes.equals(block.valueBlock.valueHexView);
  return (
    id.hashAlgorithm.algorithmId === SHA1 &&
    same(id.issuerNameHash, name) &&
    same(id.issuerKeyHash, key) &&
    same(id.serialNumber, certificate.serial)
  );
}

/** The certificates that came with the answer, besides the issuer's own. */
function companions(basic: pkijs.BasicOCSPResponse): ParsedCertificate[] {
  return (basic.certs ?? []).slice(0, MAX_CERTIFICATES).flatMap((certificate) => {
    try {
      return [parseChainCertificate(Buffer.from(certificate.toSchema().toBER()))];
    } catch {
      return [];
    }
  });
}

/** RFC 6960, 4.2.2.2: the issuer itself, or one whom the issuer has certified for this. */
function mayAnswer(responder: ParsedCertificate, issuer: ParsedCertificate, nowMs: number): boolean {
  if (responder.der.equals(issuer.der)) return true;
  return (
    sameName(responder.issuer, issuer.subject) &&
    isSignedBy(responder.signed, issuer.publicKey) &&
    extendedKeyUsages(responder)?.includes(OCSP_SIGNING) === true &&
    nowMs >= responder.notBeforeMs &&
    nowMs <= responder.notAfterMs
  );
}

/** BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, certs [0] }: the first three. */
function signedPart(der: Buffer): Signed {
  const content = readOnly(der, 0x30);
  const parts = readTlvs(content).slice(0, 3);
  const [tbs, algorithm, signature] = parts;
  if (!tbs || !algorithm || signature?.tag !== 0x03 || signature.value[0] !== 0) throw bad('no signature');
  const tbsLength = tbs.value.byteOffset + tbs.value.length - content.byteOffset;
  const oid = pkijs.AlgorithmIdentifier.fromBER(arrayBuffer(writeTlv(0x30, algorithm.value)));
  const parameters = readTlvs(algorithm.value)[1];
  return {
    tbs: content.subarray(0, tbsLength),
    content: tbs.value,
    algorithm: {
      oid: oid.algorithmId,
      parameters:
        parameters === undefined || parameters.tag === 0x05
          ? null
          : writeTlv(parameters.tag, parameters.value),
    },
    signature: signature.value.subarray(1),
  };
}

/** The DER of the BasicOCSPResponse in a successful answer. */
function basicResponse(der: Buffer): Buffer {
  const parts = readTlvs(readOnly(der, 0x30));
  const status = findTlv(parts, 0x0a);
  if (status?.length !== 1 || status[0] !== 0) throw bad(`the responder refused (${String(status?.[0])})`);
  const [type, response] = readTlvs(readOnly(findTlv(parts, 0xa0) ?? Buffer.alloc(0), 0x30));
  const oid = new asn1js.ObjectIdentifier({ value: OCSP_BASIC }).valueBlock.toBER();
  if (type?.tag !== 0x06 || !type.value.equals(new Uint8Array(oid)) || response?.tag !== 0x04)
    throw bad('another kind of answer');
  return response.value;
}

function statusOf(single: pkijs.SingleResponse): OcspAnswer['status'] {
  const { idBlock } = single.certStatus as { idBlock: { tagNumber: number; tagClass: number } };
  if (idBlock.tagClass !== 3) return 'unknown';
  return idBlock.tagNumber === 0 ? 'good' : idBlock.tagNumber === 1 ? 'revoked' : 'unknown';
}

/**
 * @param maxAgeMs how old an answer without a next update may be, and how long any is used
 * @throws AgentError `malformed` for an answer that proves nothing, with why
 */
export function readOcspAnswer(
  der: Buffer,
  certificate: ParsedCertificate,
  issuer: ParsedCertificate,
  nowMs: number,
  maxAgeMs: number,
): OcspAnswer {
  if (der.length > MAX_OCSP_BYTES) throw bad('longer than 64 KiB');
  let basic: pkijs.BasicOCSPResponse;
  let signed: Signed;
  try {
    const bytes = basicResponse(der);
    signed = signedPart(bytes);
    basic = pkijs.BasicOCSPResponse.fromBER(arrayBuffer(bytes));
  } catch (error) {
    throw error instanceof AgentError ? error : bad('not an answer', error);
  }
  const signer = [issuer, ...companions(basic)].find((one) => isSignedBy(signed, one.publicKey));
  if (signer === undefined) throw bad('not signed by anybody known');
  if (!mayAnswer(signer, issuer, nowMs)) throw bad('signed by one who may not answer for the issuer');
  const single = basic.tbsResponseData.responses.find(({ certID }) => isAbout(certID, certificate, issuer));
  if (single === undefined) throw bad('an answer about another certificate');
  const thisUpdateMs = single.thisUpdate.getTime();
  const nextUpdateMs = single.nextUpdate?.getTime() ?? thisUpdateMs + maxAgeMs;
  if (thisUpdateMs > nowMs + SKEW_MS) throw bad('from the future');
  if (nextUpdateMs + SKEW_MS < nowMs) throw bad('out of date');
  return { status: statusOf(single), validUntilMs: Math.min(nextUpdateMs, nowMs + maxAgeMs) };
}
