// Which reader's PIN pad is used, and the block that it gets; on made-up readers.
import test from 'ava';
import { pinVerifyStructure, usablePad } from '../../../agent/pcsc/pin-pad.ts';
import type { ReaderFeatures } from '../../../agent/pcsc/reader-features.ts';

const pad: ReaderFeatures = {
  extendedLength: false,
  verifyPinDirect: 0x42000db1,
  minPinDigits: 4,
  maxPinDigits: 12,
  usbId: 'DEAD:BEEF',
};
const NAME = 'Acme SmartPad 3000 00 00';

test('a pad is used with its limits; no limit is none', (t) => {
  t.deepEqual(usablePad(NAME, pad, []), { controlCode: 0x42000db1, minDigits: 4, maxDigits: 12 });
  const silent = { ...pad, minPinDigits: null, maxPinDigits: 0, usbId: null };
  t.like(usablePad(NAME, silent, []), { minDigits: 0, maxDigits: 255 });
  t.is(usablePad(NAME, { ...pad, verifyPinDirect: null }, []), null);
});

test('readers that lie have none: known ones, and those of the administrator', (t) => {
  t.is(usablePad('HP', { ...pad, usbId: '03F0:1024' }, []), null);
  for (const denied of ['dead:beef', 'DEAD:BEEF', 'smartpad', 'Acme'])
    t.is(usablePad(NAME, pad, [denied]), null, denied);
  t.not(usablePad(NAME, pad, ['dead:0000', 'Other', '']), null);
});

test('PIN_VERIFY counts its data, least significant byte first', (t) => {
  const entry = { command: Buffer.alloc(0x0102), blockBytes: 8, minDigits: 6, maxDigits: 8 };
  t.is(
    pinVerifyStructure(entry).subarray(0, 19).toString('hex'),
    '1e1e82080008060201090400000000' + '02010000',
  );
});
