// The answer to reset: historical bytes, and what they say of extended length.
import test from 'ava';
import fc from 'fast-check';
import { historicalBytes, saysExtendedLength } from '../../../agent/pcsc/atr.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('historical bytes stand after the interface bytes, however many', (t) => {
  t.is(
    historicalBytes(hex('3BFD1300008131FE158073C021C057597562694B657940')).toString('latin1', 6),
    'YubiKey',
  );
  t.deepEqual(historicalBytes(hex('3B02AABB')), hex('AABB'));
  t.is(historicalBytes(hex('3B00')).length, 0);
});

test('extended length is bit 0x40 of the third capability byte', (t) => {
  t.true(saysExtendedLength(hex('3BFD1300008131FE158073C021C057597562694B657940')));
  t.false(saysExtendedLength(hex('3BFD1300008131FE158073C0218057597562694B657900')));
  t.true(saysExtendedLength(hex('3B8880010073C021C000900000')), 'category 00, with a status at the end');
  t.false(saysExtendedLength(hex('3B047312C001')), 'not compact TLV');
  t.false(saysExtendedLength(hex('3B')));
});

test('any bytes have an answer', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (atr) => typeof saysExtendedLength(atr) === 'boolean'),
  );
  t.pass();
});
