// Parses a matching rule of sss-certmap(5): `[KRB5:][&&|||]<KEYWORD>value<KEYWORD>value…`. Unknown keywords and words
// are refused, and so are the kinds of names that SSSD compares as raw bytes.

import { KEY_USAGES, type AltNameKind } from '../../agent/model/key/certificate-fields.ts';
import { posixPattern } from './regex.ts';
import type { CertmapPart, CertmapRule } from './rule.ts';

/** sss-certmap(5), <EKU>. */
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  KPClientAuth: '1.3.6.1.5.2.3.4',
  pkinit: '1.3.6.1.5.2.3.4',
  msScLogin: '1.3.6.1.4.1.311.20.2.2',
};

const ALT_NAMES: Readonly<Record<string, readonly AltNameKind[]>> = {
  SAN: ['ntPrincipalName', 'pkinit'],
  'SAN:Principal': ['ntPrincipalName', 'pkinit'],
  'SAN:ntPrincipalName': ['ntPrincipalName'],
  'SAN:pkinit': ['pkinit'],
  'SAN:rfc822Name': ['rfc822Name'],
  'SAN:dNSName': ['dNSName'],
  'SAN:uniformResourceIdentifier': ['uniformResourceIdentifier'],
  'SAN:directoryName': ['directoryName'],
};

function list(value: string, read: (word: string) => string): string[] {
  return value.split(',').map((word) => read(word.trim()));
}

function keyUsage(name: string): string {
  if (!KEY_USAGES.includes(name)) throw new SyntaxError(`${name} is no key usage`);
  return name;
}

function extendedKeyUsage(name: string): string {
  const known = Object.hasOwn(EXTENDED_KEY_USAGES, name) ? EXTENDED_KEY_USAGES[name] : undefined;
  if (known !== undefined) return known;
  if (/^[0-2](\.\d{1,12}){1,20}$/.test(name)) return name;
  throw new SyntaxError(`${name} is no extended key usage`);
}

function partOf(keyword: string, value: string): CertmapPart {
  if (value === '') throw new SyntaxError(`<${keyword}> has no value`);
  switch (keyword) {
    case 'SUBJECT':
      return { kind: 'subject', pattern: posixPattern(value) };
    case 'ISSUER':
      return { kind: 'issuer', pattern: posixPattern(value) };
    case 'KU':
      return { kind: 'key-usage', all: list(value, keyUsage) };
    case 'EKU':
      return { kind: 'extended-key-usage', all: list(value, extendedKeyUsage) };
    default: {
      const kinds = Object.hasOwn(ALT_NAMES, keyword) ? ALT_NAMES[keyword] : undefined;
      if (kinds === undefined) throw new SyntaxError(`<${keyword}> is not supported`);
      return { kind: 'alt-name', kinds, pattern: posixPattern(value) };
    }
  }
}

/** @throws SyntaxError */
export function parseCertmapRule(text: string): CertmapRule {
  let rest = text.startsWith('KRB5:') ? text.slice('KRB5:'.length) : text;
  const combine = rest.startsWith('||') ? 'any' : 'all';
  if (rest.startsWith('||') || rest.startsWith('&&')) rest = rest.slice(2);
  const parts: CertmapPart[] = [];
  while (rest !== '') {
    // As in SSSD, `<` always begins the next keyword.
    const found = /^<([A-Za-z0-9:.]+)>([^<]*)/.exec(rest);
    if (found === null) throw new SyntaxError('a keyword like <SUBJECT> is missing');
    parts.push(partOf(found[1] ?? '', found[2] ?? ''));
    rest = rest.slice(found[0].length);
  }
  if (parts.length === 0) throw new SyntaxError('the rule is empty');
  return { text, combine, parts };
}
