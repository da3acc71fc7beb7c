// One message of a directory server, checked to the last byte against RFC 4511: of a result only its code and its text go
// on, of controls only that of paging; a reference to another server goes nowhere. Pure.

import { AgentError } from '../../base/errors.ts';
import { readOnly, readTlv, writeTlv, type Tlv } from '../../base/tlv.ts';

/** RFC 4511, 4.1.1, 4.5.2, 4.2.2: tags of the answers that are taken. */
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const BOOLEAN = 0x01;
const ENUMERATED = 0x0a;
const CONTROLS = 0xa0;
const BIND_RESPONSE = 0x61;
const SEARCH_ENTRY = 0x64;
const SEARCH_DONE = 0x65;
const SEARCH_REFERENCE = 0x73;
/** RFC 2696. */
const PAGED_RESULTS = '1.2.840.113556.1.4.319';
const MAX_COOKIE_BYTES = 4096;
const MAX_TEXT_BYTES = 1024;
/** One entry: the book's own has the most lines. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** Its parts, names and values among them: so many are read in a few milliseconds. */
const MOST_ELEMENTS = 8192;
/** Tag and length in front of a message of so many bytes at most. */
export const MAX_HEADER_BYTES = 5;

export function malformed(what: string): AgentError {
  return new AgentError('malformed', { detail: `LDAP: ${what}` });
}

/** Reads the elements of one message, and no more of them than a message of the book's has. */
class Elements {
  #left = MOST_ELEMENTS;

  /** Elements that fill `bytes`. */
  of(bytes: Buffer): Tlv[] {
    const found: Tlv[] = [];
    for (let rest = bytes; rest.length > 0;) {
      this.#left -= 1;
      if (this.#left < 0) throw malformed('a message of too many parts');
      const [tlv, after] = readTlv(rest);
      found.push(tlv);
      rest = after;
    }
    return found;
  }
}

function valueOf(tlv: Tlv | undefined, tag: number, what: string): Buffer {
  if (tlv?.tag !== tag) throw malformed(what);
  return tlv.value;
}

/** SearchResultEntry: a name, and attributes of which each has a type and values. */
function checkEntry(elements: Elements, body: Buffer): void {
  const [name, attributes, ...more] = elements.of(body);
  valueOf(name, OCTET_STRING, 'an entry without a name');
  if (more.length > 0) throw malformed('something behind an entry');
  for (const attribute of elements.of(valueOf(attributes, SEQUENCE, 'an entry without attributes'))) {
    const [type, values, ...others] = elements.of(valueOf(attribute, SEQUENCE, 'an attribute'));
    valueOf(type, OCTET_STRING, 'an attribute without a type');
    if (others.length > 0) throw malformed('something behind an attribute');
    for (const value of elements.of(valueOf(values, SET, 'an attribute without values')))
      valueOf(value, OCTET_STRING, 'a value');
  }
}

/** LDAPResult: code and text, and nothing of what else a server may say in it (a referral, a matched name). */
function shortResult(elements: Elements, body: Buffer): Buffer {
  const [code, name, text] = elements.of(body);
  const said = valueOf(code, ENUMERATED, 'a result without a code');
  if (said.length !== 1) throw malformed('a result code');
  valueOf(name, OCTET_STRING, 'a result');
  const words = valueOf(text, OCTET_STRING, 'a result').subarray(0, MAX_TEXT_BYTES);
  return Buffer.concat([
    writeTlv(ENUMERATED, said),
    writeTlv(OCTET_STRING, Buffer.alloc(0)),
    writeTlv(OCTET_STRING, words),
  ]);
}

/** The control of paging, made anew; an empty cookie, or none, ends the pages. */
function pagingOf(elements: Elements, controls: Buffer): Buffer | null {
  for (const control of elements.of(controls)) {
    const parts = elements.of(valueOf(control, SEQUENCE, 'a control'));
    const type = valueOf(parts[0], OCTET_STRING, 'a control without a type').toString('latin1');
    if (type !== PAGED_RESULTS) continue;
    const value = valueOf(
      parts[parts[1]?.tag === BOOLEAN ? 2 : 1],
      OCTET_STRING,
      'a control without a value',
    );
    const [size, cookie] = elements.of(readOnly(value, SEQUENCE));
    if (valueOf(size, INTEGER, 'a page').length > 4) throw malformed('a page’s size');
    const text = valueOf(cookie, OCTET_STRING, 'a page without a cookie');
    if (text.length > MAX_COOKIE_BYTES) throw malformed('a cookie that is too long');
    const pages = Buffer.concat([writeTlv(INTEGER, Buffer.from([0])), writeTlv(OCTET_STRING, text)]);
    const made = [
      writeTlv(OCTET_STRING, Buffer.from(PAGED_RESULTS)),
      writeTlv(OCTET_STRING, writeTlv(SEQUENCE, pages)),
    ];
    return writeTlv(CONTROLS, writeTlv(SEQUENCE, Buffer.concat(made)));
  }
  return null;
}

/**
 * One message as ldapts gets it.
 * @returns null for one that it does not get: a reference to another server
 * @throws AgentError `malformed`
 */
export function checkedMessage(bytes: Buffer): { readonly bytes: Buffer; readonly isEntry: boolean } | null {
  const elements = new Elements();
  const [id, operation, controls, ...more] = elements.of(readOnly(bytes, SEQUENCE));
  const number = valueOf(id, INTEGER, 'a message without a number');
  if (number.length === 0 || number.length > 4) throw malformed('a message’s number');
  if (operation === undefined || more.length > 0) throw malformed('a message');
  if (controls !== undefined && controls.tag !== CONTROLS) throw malformed('something behind a message');
  switch (operation.tag) {
    case SEARCH_REFERENCE:
      return null;
    case SEARCH_ENTRY:
      checkEntry(elements, operation.value);
      return {
        bytes: writeTlv(
          SEQUENCE,
          Buffer.concat([writeTlv(INTEGER, number), writeTlv(SEARCH_ENTRY, operation.value)]),
        ),
        isEntry: true,
      };
    case BIND_RESPONSE:
    case SEARCH_DONE: {
      const paging = controls === undefined ? null : pagingOf(elements, controls.value);
      const result = writeTlv(operation.tag, shortResult(elements, operation.value));
      const parts = [writeTlv(INTEGER, number), result, ...(paging === null ? [] : [paging])];
      return { bytes: writeTlv(SEQUENCE, Buffer.concat(parts)), isEntry: false };
    }
    default:
      // Among them the notice of disconnection (RFC 4511, 4.4.1).
      throw malformed(`an answer of the kind ${operation.tag.toString(16)}, which was not asked for`);
  }
}

/** How long the message is whose first bytes these are, or null when that cannot be told yet. */
export function messageLength(start: Buffer): number | null {
  const [tag, first] = start;
  if (tag !== undefined && tag !== SEQUENCE) throw malformed('what is no message');
  if (first === undefined) return null;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > MAX_HEADER_BYTES - 2) throw malformed('a message’s length');
  if (start.length < 2 + count) return null;
  const length = start.readUIntBE(2, count);
  if (length > MAX_MESSAGE_BYTES) throw malformed(`a message of ${length} bytes`);
  return 2 + count + length;
}
