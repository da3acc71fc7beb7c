// Makes test/vectors/book/vectors.json (FLEET.md): one line of each kind, and some that nobody may take.
//   node test/unit/model/book/make-book-vectors.ts

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bookNumbersHash } from '../../../../agent/model/book/book-body.ts';
import { bookItem, parseBookLine } from '../../../../agent/model/book/book.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { bookLineText } from '../../../../agent/model/book/book.ts';
import { headLine, officerLine, recordLine } from '../../../kit/book/make-book.ts';
import { makeSigner } from '../signer.ts';

const [olga, otto, head, ada] = [
  makeSigner('p256'),
  makeSigner('rsa2048'),
  makeSigner('ed25519'),
  makeSigner('p256'),
];
const record = recordLine('ada', ada.publicKey, olga, { label: 'PIV (Ada Lovelace)' });
const lines = [
  officerLine(olga.publicKey, [olga]),
  officerLine(head.publicKey, [olga, otto], {
    role: 'head',
    name: 'on line',
    groups: [],
    hosts: [],
    number: 3,
  }),
  record,
  headLine(head, {
    epoch: 7,
    revoked: [otto.publicKey.sha256],
    revokedNumbers: [4],
    records: { count: 1, hash: bookNumbersHash([10]) },
  }),
];
const { kind, name, body, signatures } = parseBookLine(record) ?? {
  kind: 'record' as const,
  name: '',
  body: '',
  signatures: [],
};
const login = Challenge.create({
  purpose: 'login',
  hostId: Buffer.alloc(16),
  user: 'ada',
  service: bookItem({ kind, body }),
}).message();
const bad = [
  [
    'a signature for a login',
    bookLineText({
      kind,
      name,
      body,
      signatures: [{ proof: olga.sign(login), spki: olga.publicKey.spki, message: login }],
    }),
  ],
  ['the same signature, of another kind of item', bookLineText({ kind: 'officer', name, body, signatures })],
  ['another body', bookLineText({ kind, name, body: `${body}A`, signatures })],
  ['a version that is not 1', record.replace('scauth-book 1', 'scauth-book 2')],
  ['a draft', bookLineText({ kind, name, body, signatures: [] })],
  ['cut off', record.slice(0, -10)],
].map(([why, line]) => ({ why, line }));
const said = lines.map((line) => {
  const read = parseBookLine(line);
  if (read === null) throw new Error(line);
  return {
    line,
    item: bookItem(read),
    body: JSON.parse(Buffer.from(read.body, 'base64url').toString()) as unknown,
    signers: read.signatures.map(
      ({ spki }) => [olga, otto, head].find(({ publicKey }) => publicKey.spki.equals(spki))?.publicKey.sha256,
    ),
  };
});
const numbers = { of: [10, 2, 33], hash: bookNumbersHash([10, 2, 33]) };
const path = join(import.meta.dirname, '../../../vectors/book/vectors.json');
writeFileSync(path, `${JSON.stringify({ lines: said, numbers, bad }, null, 2)}\n`);
console.log(path);
