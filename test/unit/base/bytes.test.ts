// Byte strings and TLV: what parses, what does not, and that nothing but AgentError ever comes out.

import test from 'ava';
import fc from 'fast-check';
import { ByteReader, copyBytes, fromHex, toHex } from '../../../agent/base/bytes.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { findTlv, readOnly, readTlv, readTlvs, writeTlv } from '../../../agent/base/tlv.ts';

const malformed = { instanceOf: AgentError, code: 'malformed' } as const;

test('hex goes both ways and refuses the rest', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = toHex(bytes);
      return (
        text === text.toUpperCase() &&
        fromHex(text).equals(bytes) &&
        fromHex(text.toLowerCase()).equals(bytes)
      );
    }),
  );
  for (const text of ['0', '0g', ' 00', '0x00', '00 11', '0\n']) t.throws(() => fromHex(text), malformed);
});

test('a view is read at its own offset', (t) => {
  const whole = Buffer.from('00112233', 'hex');
  const view = new Uint8Array(whole.buffer, whole.byteOffset + 1, 2);
  t.is(toHex(view), '1122');
  t.is(new ByteReader(view).u16(), 0x1122);
  t.is(readTlv(new Uint8Array(Buffer.from('ff5300', 'hex')).subarray(1))[0].tag, 0x53);
});

test('a copy is not changed with its source', (t) => {
  const source = Buffer.from('secret');
  const copy = copyBytes(source);
  source.fill(0);
  t.is(copy.toString(), 'secret');
  t.not(copy.buffer, source.buffer);
});

test('a reader never passes the end', (t) => {
  const reader = new ByteReader(Buffer.from('0102030405060708', 'hex'));
  t.is(reader.u8(), 1);
  t.is(reader.u16(), 0x0203);
  t.is(reader.u32(), 0x04050607);
  t.throws(() => reader.u16(), malformed);
  t.throws(() => {
    reader.end();
  }, malformed);
  t.is(reader.u8(), 8);
  t.notThrows(() => {
    reader.end();
  });
  t.throws(() => reader.u8(), malformed);
  t.throws(() => reader.bytes(2 ** 31), malformed);
});

test('TLVs are written and read again', (t) => {
  const tags = fc.constantFrom<number[]>(0x53, 0x70, 0x81, 0x5f2f, 0x7f61, 0x5fc105);
  fc.assert(
    fc.property(
      tags,
      fc.integer({ min: 0, max: 70_000 }),
      fc.uint8Array({ maxLength: 5 }),
      (tag, length, rest) => {
        const value = Buffer.alloc(length, 0xa5);
        const [read, after] = readTlv(Buffer.concat([writeTlv(tag, value), rest]));
        return read.tag === tag && read.value.equals(value) && after.equals(rest);
      },
    ),
    {
      examples: [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000].map(
        (n): [number, number, Uint8Array<ArrayBuffer>] => [0x53, n, new Uint8Array()],
      ),
    },
  );
  t.pass();
});

for (const [name, hex] of [
  ['nothing', ''],
  ['a tag alone', '53'],
  ['indefinite length', '5380aa0000'],
  ['a length of four bytes', '538400000001aa'],
  ['a length cut off', '5382ff'],
  ['a value past the end', '5302aa'],
  ['a length far past the end', '5383ffffff00'],
  ['a tag cut off', '5f'],
  ['a tag that goes on', '5f81'],
  ['a tag of four bytes', '5f81828300'],
] as const) {
  test(`TLV: ${name} is refused`, (t) => {
    t.throws(() => readTlv(Buffer.from(hex, 'hex')), malformed);
    t.throws(() => readOnly(Buffer.from(hex, 'hex'), 0x53), malformed);
  });
}

test('TLV: another tag, trailing bytes and too many elements are refused', (t) => {
  t.throws(() => readOnly(Buffer.from('5300', 'hex'), 0x70), malformed);
  t.throws(() => readOnly(Buffer.from('530000', 'hex'), 0x53), malformed);
  t.is(readTlvs(Buffer.from('5300'.repeat(64), 'hex')).length, 64);
  t.throws(() => readTlvs(Buffer.from('5300'.repeat(65), 'hex')), malformed);
  const found = readTlvs(Buffer.from('810101820102', 'hex'));
  t.is(findTlv(found, 0x82)?.[0], 2);
  t.is(findTlv(found, 0x83), undefined);
});

test('TLV: no bytes make anything but AgentError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const read of [readTlv, readTlvs]) {
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof AgentError && error.code === 'malformed')) return false;
        }
      }
      return true;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
