// Data objects from a card: certificate (gzip too), CHUID, Discovery, Key History, metadata. Hostile bytes cost nothing
// but an AgentError.
import { createPublicKey } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { writeTlv } from '../../../../agent/base/tlv.ts';
import { publicKeyOf } from '../../../../agent/model/key.ts';
import { readCertificateObject } from '../../../../agent/token/piv/certificate-object.ts';
import { readGuid } from '../../../../agent/token/piv/chuid.ts';
import { CRYPTOGRAPHIC_MECHANISM } from '../../../../agent/token/piv/constants.ts';
import { readPinReference, readRetiredCount } from '../../../../agent/token/piv/discovery.ts';
import { isYubiKey, readMetadataKey, readTriesTotal } from '../../../../agent/token/piv/metadata.ts';
import { publicKeyObjects, testKey } from '../../../kit/card/algorithms.ts';

const DER = Buffer.from('3003020105', 'hex');
const LRC = writeTlv(0xfe, Buffer.alloc(0));
const info = (byte: number): Buffer => writeTlv(0x71, Buffer.from([byte]));
const object = (...parts: Buffer[]): Buffer => writeTlv(0x53, Buffer.concat(parts));

test('a certificate object is read in any order, with 71 and FE missing too', (t) => {
  const certificate = writeTlv(0x70, DER);
  for (const parts of [[certificate, info(0), LRC], [info(0), LRC, certificate], [certificate]]) {
    t.deepEqual(readCertificateObject(object(...parts)), DER);
  }
});

test('an empty object and an empty 70 are no certificate', (t) => {
  t.is(readCertificateObject(object()), null);
  t.is(readCertificateObject(object(writeTlv(0x70, Buffer.alloc(0)), info(0), LRC)), null);
  t.is(readCertificateObject(object(info(0), LRC)), null);
});

test('gzip is inflated by either flag', (t) => {
  for (const flag of [0x01, 0x80]) {
    t.deepEqual(readCertificateObject(object(writeTlv(0x70, gzipSync(DER)), info(flag), LRC)), DER);
  }
});

test('L11: a gzip bomb stops at the cap', (t) => {
  const bomb = gzipSync(Buffer.alloc(1 << 26));
  t.throws(() => readCertificateObject(object(writeTlv(0x70, bomb), info(1))), { code: 'bad-certificate' });
  const most = gzipSync(Buffer.alloc(32 * 1024));
  t.is(readCertificateObject(object(writeTlv(0x70, most), info(1)))?.length, 32 * 1024);
  const more = gzipSync(Buffer.alloc(32 * 1024 + 1));
  t.throws(() => readCertificateObject(object(writeTlv(0x70, more), info(1))), { code: 'bad-certificate' });
});

test('L11: bytes after the gzip stream, after the object and in it are refused', (t) => {
  const trailing = [
    ...['55', '00', '00000000', '61626364656667686970'].map((hex) =>
      object(writeTlv(0x70, Buffer.concat([gzipSync(DER), Buffer.from(hex, 'hex')])), info(1)),
    ),
    Buffer.concat([object(writeTlv(0x70, DER)), Buffer.from([0])]),
    object(writeTlv(0x70, DER), Buffer.from([0x00])),
    object(writeTlv(0x70, DER), writeTlv(0x55, DER)),
    object(writeTlv(0x70, DER), writeTlv(0x70, DER)),
  ];
  for (const bytes of trailing) t.throws(() => readCertificateObject(bytes), { code: 'bad-certificate' });
});

test('L10: a certificate object cut off at each byte, and with indefinite or long lengths, is refused', (t) => {
  const whole = object(writeTlv(0x70, DER), info(0), LRC);
  for (let length = 0; length < whole.length; length++) {
    t.throws(
      () => readCertificateObject(whole.subarray(0, length)),
      { code: 'bad-certificate' },
      `${length}`,
    );
  }
  for (const hex of ['5380', '53800000', '5385000000000170', '53847FFFFFFF', '5383FFFFFF00', '537F70']) {
    t.throws(() => readCertificateObject(Buffer.from(hex, 'hex')), { code: 'bad-certificate' }, hex);
  }
});

test('the GUID is read as upper-case hex; none, zeros and a wrong length are null', (t) => {
  const chuid = (guid: Buffer): Buffer => object(writeTlv(0x30, Buffer.alloc(25)), writeTlv(0x34, guid), LRC);
  t.is(readGuid(chuid(Buffer.alloc(16, 0xab))), 'AB'.repeat(16));
  t.is(readGuid(chuid(Buffer.alloc(16))), null);
  t.is(readGuid(chuid(Buffer.alloc(4, 1))), null);
  t.is(readGuid(object()), null);
});

test('Discovery says which PIN: global only where it is allowed and primary', (t) => {
  const discovery = (policy: string): Buffer =>
    writeTlv(0x7e, Buffer.concat([writeTlv(0x4f, DER), writeTlv(0x5f2f, Buffer.from(policy, 'hex'))]));
  t.is(readPinReference(discovery('4000')), 0x80);
  t.is(readPinReference(discovery('6010')), 0x80);
  t.is(readPinReference(discovery('6020')), 0x00);
  t.is(readPinReference(discovery('4020')), 0x80);
  t.throws(() => readPinReference(discovery('40')), { code: 'malformed' });
});

test('Key History says how many retired keys, at most 20', (t) => {
  t.is(readRetiredCount(object(writeTlv(0xc1, Buffer.from([3])), LRC)), 3);
  t.is(readRetiredCount(object(writeTlv(0xc1, Buffer.from([255])), LRC)), 20);
  t.is(readRetiredCount(object(LRC)), 0);
});

test('metadata gives the public key of each kind, and null for a kind that cannot log in', (t) => {
  for (const algorithm of ['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'ed25519'] as const) {
    const key = testKey(algorithm, 1);
    const metadata = Buffer.concat([
      writeTlv(0x01, Buffer.from([CRYPTOGRAPHIC_MECHANISM[algorithm]])),
      writeTlv(0x04, publicKeyObjects(key)),
    ]);
    t.deepEqual(readMetadataKey(metadata)?.spki, publicKeyOf(createPublicKey(key)).spki, algorithm);
  }
  t.is(readMetadataKey(Buffer.from('0101E1', 'hex')), null);
  t.is(readTriesTotal(Buffer.from('06020503', 'hex')), 5);
});

test('a YubiKey is known by the historical bytes of its ATR', (t) => {
  t.true(isYubiKey(Buffer.from('3BFD1300008131FE158073C021C057597562694B657940', 'hex')));
  t.false(isYubiKey(Buffer.from('3B8D018073C021C057736F66747061', 'hex')));
});

test('L10: random bytes give a value or an AgentError, in each parser', (t) => {
  const parsers = [
    readCertificateObject,
    readGuid,
    readPinReference,
    readRetiredCount,
    readMetadataKey,
    readTriesTotal,
  ];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.uint8Array({ maxLength: 120 }).map((inner) => writeTlv(0x53, inner)),
    fc.uint8Array({ maxLength: 120 }).map((inner) => writeTlv(0x7e, inner)),
    fc.uint8Array({ maxLength: 120 }).map((inner) => object(writeTlv(0x70, inner), info(1))),
    fc.uint8Array({ maxLength: 120 }).map((inner) => Buffer.concat([info(0x11), writeTlv(0x04, inner)])),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      for (const parse of parsers) {
        try {
          parse(input);
        } catch (error) {
          if (!(error instanceof AgentError)) throw error;
        }
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});
