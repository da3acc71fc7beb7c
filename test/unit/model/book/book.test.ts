// A line of the pairing book counts only as the key's own signature over this very item, made for this very purpose.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readOnly, readTlvs, writeTlv } from '../../../../agent/base/tlv.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Challenge, readAnchorMessage, readBookMessage } from '../../../../agent/model/challenge.ts';
import {
  bookBody,
  bookNumbersHash,
  keyNames,
  parseHeadBody,
  parseOfficerBody,
  parseRecordBody,
} from '../../../../agent/model/book/book-body.ts';
import {
  bookItem,
  bookLineText,
  isSignedItem,
  MAX_SIGNATURES,
  parseBookLine,
  type BookLine,
} from '../../../../agent/model/book/book.ts';
import { MAX_BOOK_LINE } from '../../../../agent/model/book/limits.ts';
import { parsePublicKey } from '../../../../agent/model/key/key.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import { signerOf } from '../../../../agent/model/sealed-log/signed-anchor.ts';
import {
  headLine,
  line,
  NOW_S,
  officerLine,
  REALM,
  recordLine,
  signatureOf,
} from '../../../kit/book/make-book.ts';
import { makeSigner } from '../signer.ts';

const officer = makeSigner('p256');
const ada = makeSigner('p256').publicKey;

function parsed(text: string): BookLine {
  const found = parseBookLine(text);
  if (found === null) throw new Error(`not a line: ${text.slice(0, 80)}`);
  return found;
}

function holds(text: string, key = officer.publicKey): boolean {
  const read = parseBookLine(text);
  return read !== null && read.signatures.some((signature) => isSignedItem(read, signature, key));
}

test('what is written is read back, by each kind of key', (t) => {
  for (const kind of ['p256', 'p384', 'rsa2048', 'rsa4096', 'ed25519'] as const) {
    const by = makeSigner(kind);
    const key = makeSigner(kind).publicKey;
    const text = recordLine('ada', key, by, { cardKey: ada.spki.toString('base64url') });
    t.true(text.length < MAX_BOOK_LINE / 2, kind);
    const read = parsed(text);
    t.is(bookLineText(read), text);
    t.true(holds(text, by.publicKey));
    const said = parseRecordBody(read.body);
    t.is(String(said.user), 'ada');
    t.true(said.key.equals(key.spki));
    t.deepEqual({ ...keyNames(said.key) }, { pkhh: key.pkhh, sha256: key.sha256 });
  }
});

test('a record whose bytes were changed anywhere is signed by nobody, or is the same record', (t) => {
  const text = recordLine('ada', ada, officer);
  const was = parsed(text);
  let refused = 0;
  for (let at = 0; at < text.length; at += 1)
    for (const flip of [1, 4, 32]) {
      const changed = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ flip)}${text.slice(at + 1)}`;
      if (!holds(changed)) {
        refused += 1;
        continue;
      }
      // Only the name is nobody's word, and the line's own copy of the key: the host has its own.
      const now = parsed(changed);
      t.deepEqual([now.kind, now.body], [was.kind, was.body]);
      t.not(
        `${now.name} ${String(now.signatures[0]?.spki.toString('hex'))}`,
        `${was.name} ${String(was.signatures[0]?.spki.toString('hex'))}`,
      );
    }
  t.true(refused > text.length * 2);
  for (let length = 0; length < text.length; length += 1) t.false(holds(text.slice(0, length)), `${length}`);
  for (const more of [' ', '\n', ' x', ' signed', '\0', 'A']) t.false(holds(`${text}${more}`));
  t.false(holds(` ${text}`));
});

test('a signature for something else is none for the book, and the book’s none for anything else', (t) => {
  const body = parsed(recordLine('ada', ada, officer)).body;
  const context = { hostId: Buffer.alloc(16), user: 'ada', service: bookItem({ kind: 'record', body }) };
  const anchor = { sequence: 7, seal: 'a'.repeat(43), timeMs: 1 };
  for (const purpose of ['login', 'pairing', 'rehearsal', 'card', 'audit-anchor'] as const) {
    const challenge = Challenge.create({
      ...context,
      purpose,
      ...(purpose === 'audit-anchor' && { anchor }),
    });
    const message = challenge.message();
    t.is(readBookMessage(message), null);
    const signed = { proof: officer.sign(message), spki: officer.publicKey.spki, message };
    t.false(holds(bookLineText({ kind: 'record', name: 'x', body, signatures: [signed] })), purpose);
    const ours = signatureOf(officer, 'record', body);
    t.throws(() => verifyProof(challenge, ours.proof, officer.publicKey), { code: 'bad-proof' } as object);
    t.throws(() => Challenge.create({ ...context, purpose, item: 'record x' }), { instanceOf: AgentError });
  }
  const ours = signatureOf(officer, 'record', body);
  t.is(readAnchorMessage(ours.message), null);
  t.is(signerOf({ anchor, ...ours }), null);
  t.throws(() => Challenge.create({ ...context, purpose: 'pairing-book' }), { instanceOf: AgentError });
});

test('a signature holds for one kind of item: a record’s is no officer’s', (t) => {
  const body = parsed(recordLine('ada', ada, officer)).body;
  const signatures = [signatureOf(officer, 'record', body)];
  for (const kind of ['officer', 'head'] as const)
    t.false(holds(bookLineText({ kind, name: 'x', body, signatures })));
  t.true(holds(bookLineText({ kind: 'record', name: 'another-name', body, signatures })));
});

test('lines are capped, and nothing but one whole line is one', (t) => {
  const good = recordLine('ada', ada, officer);
  t.is(parseBookLine('x'.repeat(2_000_000)), null);
  t.is(parseBookLine(''), null);
  t.is(parseBookLine(good.replace(' 1 record', ' 2 record')), null);
  t.is(parseBookLine(good.replace(' record ', ' admin ')), null);
  t.is(parseBookLine(good.replace('ecdsa-sha256', 'none')), null);
  // Base64url has one form: bits over are a second name for the same bytes.
  t.is(parseBookLine(good.replace(/.$/, '=')), null);
  const many = line(
    'record',
    'x',
    parsed(good).body,
    Array.from({ length: MAX_SIGNATURES + 1 }, () => officer),
  );
  t.is(parseBookLine(many), null);
  // Each part of it is as long as it may be, and the whole is too long.
  const { kind, name, signatures } = parsed(good);
  const longest = bookLineText({ kind, name, signatures, body: 'A'.repeat(16_000) });
  t.true(longest.length > MAX_BOOK_LINE);
  t.is(parseBookLine(longest), null);
});

const bodies = {
  officer: [() => parsed(officerLine(ada, [officer])).body, parseOfficerBody],
  record: [() => parsed(recordLine('ada', ada, officer)).body, parseRecordBody],
  head: [() => parsed(headLine(officer)).body, parseHeadBody],
} as const;

for (const [kind, [make, parse]] of Object.entries(bodies))
  test(`${kind}: each field has its shape, and nothing is left over`, (t) => {
    const said = JSON.parse(Buffer.from(make(), 'base64url').toString()) as Record<string, unknown>;
    const written = (changed: object): string => Buffer.from(JSON.stringify(changed)).toString('base64url');
    t.notThrows(() => parse(written(said)));
    t.throws(() => parse(written({ ...said, more: 1 })), { code: 'malformed' } as object);
    t.throws(() => parse('AAAA'), { code: 'malformed' } as object);
    t.throws(() => parse(written([said])), { code: 'malformed' } as object);
    for (const name of Object.keys(said)) {
      const { [name]: _, ...rest } = said;
      t.throws(() => parse(written(rest)), { instanceOf: AgentError }, `${name} left out`);
      for (const wrong of [{}, [[]], true, -1, 1.5, 1e30, '', ' ', '\u0000', '../x y', 'A'.repeat(20_000)]) {
        if (name === 'label' && typeof wrong === 'string' && wrong.length < 100) continue;
        if (name === 'name' && typeof wrong === 'string' && wrong !== '' && wrong.length < 100) continue;
        t.throws(
          () => parse(written({ ...said, [name]: wrong })),
          { instanceOf: AgentError },
          `${name}: ${JSON.stringify(wrong).slice(0, 40)}`,
        );
      }
    }
  });

test('hostile names: no account is named by what is no login name', (t) => {
  for (const user of ['', '-x', 'a b', 'a:b', '../root', 'a\nb', 'a\u202eb', 'x'.repeat(257)])
    t.throws(
      () => bookBody('record', { ...record(), user }),
      { instanceOf: AgentError },
      JSON.stringify(user),
    );
  t.is(parseRecordBody(bookBody('record', { ...record(), label: '\u001b[31mred\u202e' })).label, '?[31mred?');
});

function record() {
  const times = { notBefore: NOW_S, notAfter: NOW_S + 10 };
  return {
    ...{ realm: REALM, user: 'ada', key: ada.spki.toString('base64url'), cardKey: null, label: '', ...times },
    ...{ number: 1, uses: ['login'] },
  };
}

test('an item that is never valid, and a head of more than a day, are none', (t) => {
  t.throws(() => bookBody('record', { ...record(), notAfter: NOW_S }), { code: 'malformed' } as object);
  t.throws(() => headLine(officer, { issued: NOW_S, until: NOW_S + 24 * 3600 + 1 }), {
    code: 'malformed',
  } as object);
  t.throws(() => headLine(officer, { issued: NOW_S, until: NOW_S }), { code: 'malformed' } as object);
  t.throws(() => headLine(officer, { part: 3, parts: 2 }), { code: 'malformed' } as object);
});

test('FLEET.md: the vectors are read as it says', (t) => {
  const folder = join(import.meta.dirname, '../../../vectors/book');
  const expected = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as {
    lines: { line: string; item: string; body: unknown; signers: string[] }[];
    numbers: { of: number[]; hash: string };
    bad: { line: string; why: string }[];
  };
  t.is(expected.lines.length, 4);
  for (const { line: text, item, body, signers } of expected.lines) {
    const read = parsed(text);
    t.is(bookItem(read), item);
    t.deepEqual(JSON.parse(Buffer.from(read.body, 'base64url').toString()), body);
    t.deepEqual(
      read.signatures.map(({ spki }) => keyNames(spki).sha256),
      signers,
    );
    for (const one of read.signatures) t.true(isSignedItem(read, one, parsePublicKey(one.spki)));
  }
  t.is(bookNumbersHash(expected.numbers.of), expected.numbers.hash);
  for (const { line: text, why } of expected.bad) {
    const read = parseBookLine(text);
    const [one] = read?.signatures ?? [];
    t.false(read !== null && one !== undefined && isSignedItem(read, one, parsePublicKey(one.spki)), why);
  }
});

test('the names of a key are read off a whole one alone', (t) => {
  const { spki, pkhh } = ada;
  t.is(keyNames(spki).pkhh, pkhh);
  const [algorithm] = readTlvs(readOnly(spki, 0x30));
  const inside = writeTlv(0x30, algorithm?.value ?? Buffer.alloc(0));
  for (const key of [
    writeTlv(0x30, inside),
    writeTlv(0x30, Buffer.concat([inside, writeTlv(0x04, spki)])),
    writeTlv(0x30, Buffer.concat([inside, writeTlv(0x03, Buffer.from([0]))])),
    Buffer.concat([spki, Buffer.from([0])]),
  ])
    t.throws(() => keyNames(key), { code: 'malformed' } as object);
});
