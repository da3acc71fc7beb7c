// A distinguished name from text as a person writes it: `DC=com,CN=Users,CN=Ada Lovelace`, in the order of the
// certificate. `+` joins attributes of one RDN, a backslash takes the meaning from `,` `+` `=` and itself.
// Specification: RFC 5280, section 4.1.2.4 and appendix A.1; the short names are those of RFC 4514 and OpenSSL.
import { ia5, oid, sequence, set, utf8 } from './der.ts';

const TYPES: Readonly<Partial<Record<string, string>>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  GN: '2.5.4.42',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
};
const PRINTABLE: ReadonlySet<string> = new Set(['C', 'SERIALNUMBER']);
const IA5: ReadonlySet<string> = new Set(['DC', 'EMAILADDRESS']);

/** Cuts at a character that no backslash stands before. */
function cut(text: string, at: ',' | '+'): string[] {
  const parts: string[] = [];
  let part = '';
  for (const [piece] of text.matchAll(/\\[^]|[^]/gu)) {
    if (piece === at) parts.push(part);
    part = piece === at ? '' : part + piece;
  }
  return [...parts, part];
}

function attribute(text: string): Buffer {
  const [, name = '', written = ''] = /^\s*([\w.]+)\s*=([^]*)$/u.exec(text) ?? [];
  const short = name.toUpperCase();
  const type = /^\d+(\.\d+)+$/u.test(name) ? name : TYPES[short];
  if (type === undefined)
    throw new Error(
      `'${text}' is no part of a subject: write it as CN=Ada Lovelace,OU=Engines, with ${Object.keys(TYPES).join(' ')} or numbers such as 2.5.4.3`,
    );
  const value = written.trim().replace(/\\([^])/gu, '$1');
  const string = PRINTABLE.has(short) ? ia5(0x13, value) : IA5.has(short) ? ia5(0x16, value) : utf8(value);
  return sequence(oid(type), string);
}

/**
 * @param text empty for a name without anything in it
 * @returns the Name, DER
 * @throws Error that says what can be written
 */
export function readSubject(text: string): Buffer {
  if (text.trim() === '') return sequence();
  return sequence(...cut(text, ',').map((rdn) => set(...cut(rdn, '+').map(attribute))));
}
