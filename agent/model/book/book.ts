// The pairing book: ASCII text, one signed item a line (FLEET.md). Reading a line says what it claims and nothing more:
// whose key may sign what is policy/permit-book.ts's business, and is asked before a body is looked into.
//
//   scauth-book 1 KIND NAME BODY [signed SCHEME KEY MESSAGE SIGNATURE]…      the last four and BODY in base64url
//
// Pure. The message is that of model/challenge.ts, with the purpose `pairing-book`; it names KIND and the hash of BODY.
// NAME is for whoever carries the line, and nobody believes it.
// Why: DECISIONS.md D300, D301.

import { hash } from 'node:crypto';
import { readBookMessage } from '../challenge.ts';
import type { PublicKey } from '../key/key.ts';
import { MAX_BOOK_LINE } from './limits.ts';
import { isProofScheme, isSignedBy, type Proof } from '../proof.ts';

export type BookKind = 'officer' | 'record' | 'head';

/** More than any threshold, and less than what costs time. */
export const MAX_SIGNATURES = 8;

export interface BookSignature {
  readonly proof: Proof;
  /** SubjectPublicKeyInfo, DER, as the line has it. */
  readonly spki: Buffer;
  readonly message: Buffer;
}

/** One line, unchecked. */
export interface BookLine {
  readonly kind: BookKind;
  readonly name: string;
  /** As it stands there: this text is signed, and decoded only afterwards (book-body.ts). */
  readonly body: string;
  /** None: a draft that waits for its signature; no scauthd takes it. */
  readonly signatures: readonly BookSignature[];
}

const HEAD = /^scauth-book 1 (officer|record|head) ([A-Za-z0-9_.-]{1,128}) ([A-Za-z0-9_-]{1,16000})$/;
const SIGNATURE =
  /^([a-z0-9-]{1,24}) ([A-Za-z0-9_-]{1,1700}) ([A-Za-z0-9_-]{1,2400}) ([A-Za-z0-9_-]{1,700})$/;

/** @returns null when there are bits over, which other bytes would stand for as well */
function fromBase64Url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

/** One line without its line break. @returns null for anything else than a line of this form, whole and alone */
export function parseBookLine(text: string): BookLine | null {
  if (text.length > MAX_BOOK_LINE) return null;
  const [head = '', ...signed] = text.split(' signed ');
  const [, kind, name = '', body = ''] = HEAD.exec(head) ?? [];
  if (kind !== 'officer' && kind !== 'record' && kind !== 'head') return null;
  if (signed.length > MAX_SIGNATURES) return null;
  const signatures: BookSignature[] = [];
  for (const part of signed) {
    const [, scheme = '', ...rest] = SIGNATURE.exec(part) ?? [];
    const [spki, message, signature] = rest.map(fromBase64Url);
    if (!isProofScheme(scheme) || !spki || !message || !signature) return null;
    signatures.push({ proof: { scheme, signature }, spki, message });
  }
  return { kind, name, body, signatures };
}

export function bookLineText({ kind, name, body, signatures }: BookLine): string {
  const signed = signatures.map(({ proof, spki, message }) => {
    const parts = [spki, message, Buffer.from(proof.signature)].map((part) => part.toString('base64url'));
    return ` signed ${proof.scheme} ${parts.join(' ')}`;
  });
  return `scauth-book 1 ${kind} ${name} ${body}${signed.join('')}`;
}

/** What a signature over an item names: its kind and the SHA-256 of its body. */
export function bookItem({ kind, body }: Pick<BookLine, 'kind' | 'body'>): string {
  return `${kind} ${hash('sha256', body, 'base64url')}`;
}

/** Whether `key` signed this very item for this very purpose. The key is the caller's: the line's own proves nothing. */
export function isSignedItem(line: BookLine, { proof, message }: BookSignature, key: PublicKey): boolean {
  return readBookMessage(message)?.item === bookItem(line) && isSignedBy(message, proof, key);
}
