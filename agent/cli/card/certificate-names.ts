// The names and the serial number of a certificate as the keychain of macOS has them (`subj`, `issr`, `slnr`): DER of
// the name without its outer SEQUENCE, PrintableStrings in upper case with single spaces, other strings as they are.
// Specification: RFC 5280, 4.1.2.4 and 7.1; RFC 3280, 4.1.2.4 (c) and (d).

import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlvs, writeTlv, type Tlv } from '../../base/tlv.ts';

const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
const PRINTABLE_STRING = 0x13;
const VERSION = 0xa0;

export interface CertificateNames {
  /** Content of the INTEGER. */
  readonly serial: Buffer;
  readonly subject: Buffer;
  readonly issuer: Buffer;
  /** 1 or 3. */
  readonly version: number;
}

function malformed(what: string): AgentError {
  return new AgentError('malformed', { detail: `certificate: ${what}` });
}

function normalisedString({ tag, value }: Tlv): Buffer {
  if (tag !== PRINTABLE_STRING) return writeTlv(tag, value);
  const text = value
    .toString('latin1')
    .replace(/[\t ]+/g, ' ')
    .replace(/^ | $/g, '')
    .toUpperCase();
  return writeTlv(tag, Buffer.from(text, 'latin1'));
}

/** AttributeTypeAndValue ::= SEQUENCE { type, value } */
function normalisedAttribute({ tag, value }: Tlv): Buffer {
  const [type, text, ...more] = readTlvs(value);
  if (tag !== SEQUENCE || type?.tag !== OBJECT_IDENTIFIER || text === undefined || more.length > 0)
    throw malformed('a name');
  return writeTlv(SEQUENCE, Buffer.concat([writeTlv(type.tag, type.value), normalisedString(text)]));
}

function normalisedName({ tag, value }: Tlv): Buffer {
  if (tag !== SEQUENCE) throw malformed('a name');
  const parts = readTlvs(value).map((part) => {
    if (part.tag !== SET) throw malformed('a name');
    return writeTlv(SET, Buffer.concat(readTlvs(part.value).map(normalisedAttribute)));
  });
  return Buffer.concat(parts);
}

/** @throws AgentError `malformed` */
export function certificateNames(der: Buffer): CertificateNames {
  const [tbs] = readTlvs(readOnly(der, SEQUENCE));
  if (tbs === undefined) throw malformed('empty');
  const all = readTlvs(tbs.value);
  const version = all[0]?.tag === VERSION ? (all[0].value.at(-1) ?? 0) + 1 : 1;
  const [serial, , issuer, , subject] = all[0]?.tag === VERSION ? all.slice(1) : all;
  if (serial === undefined || issuer === undefined || subject === undefined) throw malformed('too short');
  return {
    serial: serial.value,
    subject: normalisedName(subject),
    issuer: normalisedName(issuer),
    version,
  };
}
