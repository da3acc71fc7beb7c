// Names of certificates compared as RFC 5280, 7.1 has it: attribute by attribute, from DER, never as text, whose escapes
// can be forged. The kind of string, case and needless spaces make no difference.
// Specifications: X.501 (Name), RFC 4518 (preparation of strings).

import { AgentError } from '../base/errors.ts';
import { readTlvs, type Tlv } from '../base/tlv.ts';

const SEQUENCE = 0x30;
const SET = 0x31;
const OID = 0x06;
const TELETEX_STRING = 0x14;
const ASCII = /^[\0-\x7f]*$/;

function malformed(detail: string): AgentError {
  return new AgentError('malformed', { detail: `name: ${detail}` });
}

function utf32(bytes: Buffer): string {
  if (bytes.length % 4 !== 0) throw malformed('a UniversalString of odd length');
  const points = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32BE(4 * at));
  return String.fromCodePoint(...points);
}

/** The text of a string; null for a value of another kind. @throws where it is none of its own kind */
function textOf({ tag, value }: Tlv): string | null {
  switch (tag) {
    case 0x0c: // UTF8String
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    case 0x13: // PrintableString
    case 0x16: // IA5String
    case TELETEX_STRING: {
      const text = value.toString('latin1');
      if (tag !== TELETEX_STRING && !ASCII.test(text)) throw malformed('bytes that are no characters');
      return text;
    }
    case 0x1e: // BMPString
      if (value.length % 2 !== 0) throw malformed('a BMPString of odd length');
      return new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(value);
    case 0x1c: // UniversalString
      return utf32(value);
    default:
      return null;
  }
}

/** RFC 4518, 2: mapped, normalised, folded, without needless spaces. */
function prepared(text: string): string {
  return text
    .replace(/[\t-\r\x85\p{Z}]/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}\u034f\u180b-\u180e\ufe00-\ufe0f\ufffc]/gu, '')
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(/ +/g, ' ')
    .replace(/^ | $/g, '');
}

/** One RDN's attributes, in an order that does not depend on the certificate's. */
function rdnOf({ tag, value }: Tlv): string {
  if (tag !== SET) throw malformed('an RDN that is none');
  const attributes = readTlvs(value).map((attribute) => {
    const [type, content, ...more] = readTlvs(attribute.value);
    if (attribute.tag !== SEQUENCE || type?.tag !== OID || content === undefined || more.length > 0)
      throw malformed('an attribute that is none');
    const text = textOf(content);
    const plain =
      text === null ? `${content.tag} ${content.value.toString('hex')}` : `text ${prepared(text)}`;
    return JSON.stringify([type.value.toString('hex'), plain]);
  });
  if (attributes.length === 0) throw malformed('an empty RDN');
  return attributes.sort().join();
}

/** @param name the content of a Name */
function rdnsOf(name: Buffer): string[] {
  try {
    return readTlvs(name).map(rdnOf);
  } catch (error) {
    throw error instanceof AgentError ? error : malformed(String(error));
  }
}

/** Whether `name` is `base` or below it. Both are contents of a Name. @throws AgentError `malformed` */
export function isUnder(name: Buffer, base: Buffer): boolean {
  const rdns = rdnsOf(name);
  return rdnsOf(base).every((rdn, at) => rdn === rdns[at]);
}

/** Whether two names are one. Both are contents of a Name; what cannot be read equals its own bytes alone. */
export function sameName(a: Buffer, b: Buffer): boolean {
  if (a.equals(b)) return true;
  try {
    const [left, right] = [rdnsOf(a), rdnsOf(b)];
    return left.length === right.length && left.every((rdn, at) => rdn === right[at]);
  } catch {
    return false;
  }
}
