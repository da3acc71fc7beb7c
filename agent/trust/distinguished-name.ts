// Names of certificates compared as RFC 5280, 7.1 has it: attribute by attribute, from DER, never as text, whose escapes
// can be forged. The kind of string, case and needless spaces make no difference.
// Specifications: X.501 (Name), RFC 4518 (preparation of strings).

import { readName, textOf, type Attribute } from '../model/key/name.ts';

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
function comparable(rdn: readonly Attribute[]): string {
  return rdn
    .map(({ type, value }) => {
      const text = textOf(value);
      const plain = text === null ? `${value.tag} ${value.value.toString('hex')}` : `text ${prepared(text)}`;
      return JSON.stringify([type, plain]);
    })
    .sort()
    .join();
}

/** @param name the content of a Name */
function rdnsOf(name: Buffer): string[] {
  return readName(name).map(comparable);
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
