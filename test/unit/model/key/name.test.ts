// Names of certificates, read strictly: what two programs could read as two texts is no text.

import test from 'ava';
import { readName, textOf } from '../../../../agent/model/key/name.ts';
import { oid, sequence, set, utf8 } from '../../../kit/card/der.ts';
import { tlv } from '../../../kit/card/tlv.ts';

const malformed = { code: 'malformed' } as object;
const text = (tag: number, hex: string): string | null => textOf({ tag, value: Buffer.from(hex, 'hex') });

test('each kind of string is read by its own characters', (t) => {
  t.is(text(0x0c, 'c3a9'), 'é');
  t.is(text(0x13, '416461'), 'Ada');
  t.is(text(0x16, '416461'), 'Ada');
  t.is(text(0x14, 'e9'), 'é');
  t.is(text(0x1e, '00e9'), 'é');
  t.is(text(0x1c, '0001f511'), '🔑');
  t.is(text(0x04, '416461'), null, 'no string');
});

test('S15: bytes that are no characters of their kind are refused', (t) => {
  for (const [tag, hex] of [
    [0x0c, 'e9'],
    [0x13, '41e9'],
    [0x16, '80'],
    [0x1e, '00e900'],
    [0x1e, 'd800'],
    [0x1c, '0001f5'],
    [0x1c, '00110000'],
  ] as const)
    t.throws(() => text(tag, hex), malformed, `${tag} ${hex}`);
});

test('S15: a name is sets of pairs of an object identifier and a value, and nothing else', (t) => {
  const pair = sequence(oid('2.5.4.3'), utf8('Ada'));
  t.is(readName(set(pair)).length, 1);
  t.is(readName(Buffer.concat([set(pair), set(pair, pair)]))[1]?.length, 2);
  t.deepEqual(readName(Buffer.alloc(0)), []);
  for (const [why, bytes] of [
    ['an RDN that is none', sequence(pair)],
    ['an empty RDN', set()],
    ['an attribute that is none', set(set(oid('2.5.4.3'), utf8('Ada')))],
    ['an attribute that is none', set(sequence(utf8('cn'), utf8('Ada')))],
    ['an attribute that is none', set(sequence(oid('2.5.4.3')))],
    ['an attribute that is none', set(sequence(oid('2.5.4.3'), utf8('Ada'), utf8('Bob')))],
    ['an attribute that is none', set(tlv(0x30, Buffer.alloc(0)))],
  ] as const)
    t.throws(() => readName(bytes), { ...malformed, message: new RegExp(why) }, why);
});
