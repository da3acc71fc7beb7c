// Data objects from a card: certificate (gzip too), CHUID, Discovery, Key History, metadata. Hostile bytes cost nothing
// but an AgentError.
import { createPublicKey } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { writeTlv } from '../../../../agent/base/tlv.ts';
import { publicKeyOf } from '../../../../agent/model/key/key.ts';
import { readCertificateObject } from '../../../../agent/token/piv/certificate-object.ts';
import { readGuid } from '../../../../agent/token/piv/chuid.ts';
import { CRYPTOGRAPHIC_MECHANISM } from '../../../../agent/token/piv/constants.ts';
import { readSecretMetadata } from '../../../../agent/token/piv/factory.ts';
import { readPinReference, readRetiredCount } from '../../../../agent/token/piv/discovery.ts';
import { isYubiKey, readMetadataKey } from '../../../../agent/token/piv/metadata.ts';
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

/** How a certificate may be packed. */
const packings: readonly (readonly [string, (der: Buffer) => Buffer])[] = [
  ['gzip', (der) => gzipSync(der)],
  ['zlib', (der) => deflateSync(der)],
  [
    '01 00, length, zlib',
    (der) =>
      Buffer.concat([Buffer.from([1, 0, der.length & 0xff, (der.length >> 8) & 0xff]), deflateSync(der)]),
  ],
];

test('K5: the first bytes say whether a certificate is packed, whatever CertInfo says', (t) => {
  for (const flag of [0x00, 0x01, 0x80]) {
    for (const [name, pack] of [...packings, ['plain', (der: Buffer) => der] as const])
      t.deepEqual(readCertificateObject(object(writeTlv(0x70, pack(DER)), info(flag), LRC)), DER, name);
  }
});

for (const [name, pack] of packings) {
  const refused = (t: ExecutionContext, packed: Buffer, flag: number): void => {
    t.throws(() => readCertificateObject(object(writeTlv(0x70, packed), info(flag))), {
      code: 'bad-certificate',
    });
  };

  test(`K5, L11: a bomb in ${name} stops at the cap`, (t) => {
    const bomb = pack(Buffer.alloc(1 << 23));
    for (const flag of [0, 1]) {
      refused(t, bomb, flag);
      refused(t, pack(Buffer.alloc(32 * 1024 + 1)), flag);
      const most = writeTlv(0x70, pack(Buffer.alloc(32 * 1024)));
      t.is(readCertificateObject(object(most, info(flag)))?.length, 32 * 1024);
    }
  });

  test(`K5, L11: bytes behind ${name}, and one that is cut at each byte, are refused`, (t) => {
    const packed = pack(DER);
    for (const hex of ['55', '00', '00000000', '61626364656667686970'])
      refused(t, Buffer.concat([packed, Buffer.from(hex, 'hex')]), 1);
    for (let length = 2; length < packed.length; length++) refused(t, packed.subarray(0, length), 1);
  });
}

test('K5: a packed certificate is as long as its header says', (t) => {
  const packed = Buffer.concat([Buffer.from([1, 0, DER.length + 1, 0]), deflateSync(DER)]);
  t.throws(() => readCertificateObject(object(writeTlv(0x70, packed))), { code: 'bad-certificate' });
});

test('K5: what stands around tag 70 costs nothing', (t) => {
  const certificate = writeTlv(0x70, DER);
  for (const around of ['00', '5500', 'FE', 'FE0100', '71', '710100710100', '72020102', '5F', '5F5F5F5F5F'])
    t.deepEqual(readCertificateObject(object(certificate, Buffer.from(around, 'hex'))), DER, around);
  for (const before of ['5500', 'FE00', '720101'])
    t.deepEqual(readCertificateObject(object(Buffer.from(before, 'hex'), certificate)), DER, before);
});

test('L11: bytes after the object, two certificates, and nonsense instead of one are refused', (t) => {
  const refused = [
    Buffer.concat([object(writeTlv(0x70, DER)), Buffer.from([0])]),
    object(writeTlv(0x70, DER), writeTlv(0x70, DER)),
    object(Buffer.from([0x00]), writeTlv(0x70, DER)),
    object(Buffer.from('5F5F', 'hex')),
  ];
  for (const bytes of refused) t.throws(() => readCertificateObject(bytes), { code: 'bad-certificate' });
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
  t.deepEqual(readSecretMetadata(Buffer.from('06020503', 'hex')), {
    isFactory: null,
    tries: { triesLeft: 3, triesTotal: 5 },
  });
  t.deepEqual(readSecretMetadata(Buffer.from('0501010602', 'hex').subarray(0, 3)), {
    isFactory: true,
    tries: { triesLeft: null, triesTotal: null },
  });
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
    readSecretMetadata,
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
