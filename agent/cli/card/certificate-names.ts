// The names of a certificate as the keychain of macOS has them (`subj`, `issr`): DER of
// the name without its outer SEQUENCE, PrintableStrings in upper case with single spaces, other strings as they are.
// Specification: RFC 5280, 4.1.2.4 and 7.1; RFC 3280, 4.1.2.4 (c) and (d).

import { AgentError } from '../../base/errors.ts';
import { readTlvs, writeTlv, type Tlv } from '../../base/tlv.ts';

const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
const PRINTABLE_STRING = 0x13;

function malformed(): AgentError {
  return new AgentError('malformed', { detail: 'certificate: a name' });
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
    throw malformed();
  return writeTlv(SEQUENCE, Buffer.concat([writeTlv(type.tag, type.value), normalisedString(text)]));
}

/** @param name the content of a Name. @throws AgentError `malformed` */
export function keychainName(name: Buffer): Buffer {
  const parts = readTlvs(name).map((part) => {
    if (part.tag !== SET) throw malformed();
    return writeTlv(SET, Buffer.concat(readTlvs(part.value).map(normalisedAttribute)));
  });
  return Buffer.concat(parts);
}
