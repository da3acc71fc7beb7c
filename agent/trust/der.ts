// Small readings of DER on top of base/tlv: object identifiers, times, algorithm identifiers.

import { AgentError } from '../base/errors.ts';
import { readOnly, readTlv, readTlvs } from '../base/tlv.ts';
import { GENERALIZED_TIME, UTC_TIME } from '../model/key/certificate-end.ts';

const SEQUENCE = 0x30;
const OID = 0x06;

/** @param value the content of an OBJECT IDENTIFIER */
export function oidText(value: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of value) {
    if (arc > 0xffffffff) throw new AgentError('malformed', { detail: 'OID: arc too large' });
    arc = arc * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(arc / 40));
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
}

export function isTime(tag: number): boolean {
  return tag === UTC_TIME || tag === GENERALIZED_TIME;
}

export interface Algorithm {
  readonly oid: string;
  /** The parameters as a TLV, without what is NULL or absent. */
  readonly parameters: Buffer | null;
}

/** @param content the content of an AlgorithmIdentifier */
export function readAlgorithm(content: Buffer): Algorithm {
  const [oid, rest] = readTlv(content);
  if (oid.tag !== OID) throw new AgentError('malformed', { detail: 'no algorithm' });
  const isNull = rest.length === 0 || rest.equals(Buffer.from([0x05, 0x00]));
  return { oid: oidText(oid.value), parameters: isNull ? null : rest };
}

/** A SIGNED{} structure (RFC 5280, 4.1.1): what is signed, how, and the signature. */
export interface Signed {
  /** The bytes that are signed, as they are. */
  readonly tbs: Buffer;
  /** The content of `tbs`. */
  readonly content: Buffer;
  readonly algorithm: Algorithm;
  readonly signature: Buffer;
}

/** @throws AgentError `malformed` */
export function readSigned(der: Buffer): Signed {
  const outer = readOnly(der, SEQUENCE);
  const [tbs, rest] = readTlv(outer);
  const [algorithm, signature, ...more] = readTlvs(rest);
  if (tbs.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE || signature?.tag !== 0x03 || more.length > 0)
    throw new AgentError('malformed', { detail: 'not a signed structure' });
  if (signature.value[0] !== 0) throw new AgentError('malformed', { detail: 'signature: unused bits' });
  return {
    tbs: outer.subarray(0, outer.length - rest.length),
    content: tbs.value,
    algorithm: readAlgorithm(algorithm.value),
    signature: signature.value.subarray(1),
  };
}
