// Lines of the pairing book: what a directory that somebody else administers may say.

import {
  keyNames,
  parseHeadBody,
  parseOfficerBody,
  parseRecordBody,
} from '../../../agent/model/book/book-body.ts';
import { bookLineText, isSignedItem, parseBookLine } from '../../../agent/model/book/book.ts';
import { MAX_BOOK_LINE } from '../../../agent/model/book/limits.ts';
import { parsePublicKey } from '../../../agent/model/key/key.ts';
import { headLine, officerLine, recordLine } from '../../kit/book/make-book.ts';
import { makeSigner } from '../../unit/model/signer.ts';
import type { Target } from '../engine.ts';
import { must, refusing } from './refusing.ts';

const officer = makeSigner('p256');
const other = makeSigner('ed25519');
const LINES = [
  officerLine(other.publicKey, [officer, other]),
  recordLine('ada', other.publicKey, officer, { cardKey: other.publicKey.spki.toString('base64url') }),
  headLine(officer, { revoked: [other.publicKey.sha256], revokedNumbers: [3] }),
];
const BODIES = LINES.map((text) => parseBookLine(text)?.body ?? '');

function bookLine(input: Buffer): void {
  const text = input.toString('latin1');
  const line = parseBookLine(text);
  if (line !== null) {
    must(text.length <= MAX_BOOK_LINE && bookLineText(line) === text, 'a line is what it is written as');
    for (const signature of line.signatures)
      must(
        !isSignedItem(line, signature, officer.publicKey) || BODIES.includes(line.body),
        'an officer signed what they did not',
      );
  }
  const json = input.toString('base64url');
  for (const body of line === null ? [json] : [json, line.body])
    for (const parse of [parseOfficerBody, parseRecordBody, parseHeadBody]) refusing(() => parse(body));
  const names = refusing(() => keyNames(input));
  const key = names === undefined ? undefined : refusing(() => parsePublicKey(input));
  // Only of a key in DER: another form of it is another key to whoever compares it whole.
  if (names !== undefined && key !== undefined && key.spki.equals(input))
    must(names.pkhh === key.pkhh && names.sha256 === key.sha256, 'a key has two names');
}

export const book: readonly Target[] = [
  {
    name: 'book-line',
    files: [['agent/model/book/book.ts'], ['agent/model/book/book-body.ts', 'bookBody', 'bookNumbersHash']],
    seeds: [
      ...LINES.map((line) => Buffer.from(line)),
      ...BODIES.map((body) => Buffer.from(body, 'base64url')),
      ...BODIES.map((body) =>
        Buffer.from(
          Buffer.from(body, 'base64url')
            .toString()
            .replace(/"notAfter":\d+/, '"notAfter":1')
            .replace(/"until":\d+/, '"until":1'),
        ),
      ),
      Buffer.from(
        Buffer.from(BODIES[2] ?? '', 'base64url')
          .toString()
          .replace('"part":1', '"part":2'),
      ),
      other.publicKey.spki,
      officer.publicKey.spki,
      Buffer.from('x'.repeat(MAX_BOOK_LINE + 1)),
      Buffer.from((LINES[0] ?? '') + ' signed x'.repeat(9)),
    ],
    run: bookLine,
  },
];
