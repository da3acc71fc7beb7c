// A Name of a certificate as its attributes: read in one place for comparing names and for what a card's holder is called.
// Specifications: X.501 (Name), X.690 (strings), RFC 5280, 4.1.2.4.

import { AgentError } from '../../base/errors.ts';
import { readTlvs, type Tlv } from '../../base/tlv.ts';

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

function decoded({ tag, value }: Tlv): string | null {
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
      return new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(value);
    case 0x1c: // UniversalString
      return utf32(value);
    default:
      return null;
  }
}

/** The text of a string; null for a value of another kind. @throws AgentError `malformed`: none of its own kind */
export function textOf(value: Tlv): string | null {
  try {
    return decoded(value);
  } catch (error) {
    throw error instanceof AgentError ? error : malformed(String(error));
  }
}

export interface Attribute {
  /** The content of its OBJECT IDENTIFIER, lower-case hex. */
  readonly type: string;
  readonly value: Tlv;
}

function readRdn({ tag, value }: Tlv): Attribute[] {
  if (tag !== SET) throw malformed('an RDN that is none');
  const attributes = readTlvs(value).map((attribute) => {
    const [type, content, ...more] = readTlvs(attribute.value);
    if (attribute.tag !== SEQUENCE || type?.tag !== OID || content === undefined || more.length > 0)
      throw malformed('an attribute that is none');
    return { type: type.value.toString('hex'), value: content };
  });
  if (attributes.length === 0) throw malformed('an empty RDN');
  return attributes;
}

/**
 * The RDNs, as they stand there.
 * @param name the content of a Name
 * @throws AgentError `malformed`
 */
export function readName(name: Uint8Array): Attribute[][] {
  return readTlvs(name).map(readRdn);
}
