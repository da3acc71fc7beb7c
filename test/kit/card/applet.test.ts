// The card's keys, certificates and data objects, checked with node:crypto and openssl's own reading of a certificate.
import test from 'ava';
import {
  X509Certificate,
  constants,
  createECDH,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  publicDecrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { respond, testKey } from './algorithms.ts';
import { SoftwareCard } from './card.ts';
import { makeCertificate } from './certificate.ts';
import { ALGORITHM, KEY_TYPES } from './constants.ts';
import { defaultAtr, makeProfile, readKey, testAuthority } from './profile.ts';
import type { CardOptions } from './profile.ts';
import { Terminal } from './terminal.ts';
import { findTlv, parseTlvs } from './tlv.ts';

async function insert(options: CardOptions): Promise<Terminal> {
  const terminal = new Terminal(new SoftwareCard(makeProfile(options)));
  await terminal.select();
  return terminal;
}

/** The 70 of a certificate object. */
async function certificate(terminal: Terminal, tag: string): Promise<Buffer> {
  const { data } = await terminal.getData(tag);
  const object = findTlv(parseTlvs(data) ?? [], 0x53);
  return findTlv(parseTlvs(object ?? Buffer.alloc(0)) ?? [], 0x70) ?? Buffer.alloc(0);
}

for (const key of ['rsa1024', 'rsa2048', 'rsa3072', 'rsa4096'] as const) {
  test(`${key}: raw RSA, and the certificate has its public key`, async (t) => {
    const terminal = await insert({ key });
    await terminal.verify('123456');
    const padded = Buffer.concat([Buffer.alloc(1), randomBytes(Number(key.slice(3)) / 8 - 1)]);
    const { data, sw } = await terminal.authenticate(ALGORITHM[key], 0x9a, padded);
    t.is(sw, 0x9000);
    const { publicKey } = new X509Certificate(await certificate(terminal, '5FC105'));
    t.deepEqual(publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, data), padded);
  });
}

for (const [key, hash] of [
  ['p256', 'sha256'],
  ['p384', 'sha384'],
] as const) {
  test(`${key}: ECDSA over a given hash, DER; and ECDH`, async (t) => {
    const terminal = await insert({ key });
    await terminal.verify('123456');
    const message = randomBytes(100);
    const digest = createHash(hash).update(message).digest();
    const { data } = await terminal.authenticate(ALGORITHM[key], 0x9a, digest);
    const { publicKey } = new X509Certificate(await certificate(terminal, '5FC105'));
    t.true(verify(hash, message, publicKey, data));
    t.is((await terminal.authenticate(ALGORITHM[key], 0x9a, Buffer.concat([digest, digest]))).sw, 0x6a80);

    const other = createECDH(key === 'p256' ? 'prime256v1' : 'secp384r1');
    const point = other.generateKeys();
    const agreed = await terminal.authenticate(ALGORITHM[key], 0x9d, point, 0x85);
    const management = new X509Certificate(await certificate(terminal, '5FC10B')).publicKey;
    const { x = '', y = '' } = management.export({ format: 'jwk' });
    const own = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    t.deepEqual(agreed.data, other.computeSecret(own));
    t.is((await terminal.authenticate(ALGORITHM[key], 0x9d, Buffer.alloc(point.length, 4), 0x85)).sw, 0x6a80);
  });
}

test('ed25519: signs the message itself', async (t) => {
  const terminal = await insert({ key: 'ed25519' });
  await terminal.verify('123456');
  const message = randomBytes(300);
  const { data } = await terminal.authenticate(ALGORITHM.ed25519, 0x9a, message);
  const { publicKey } = new X509Certificate(await certificate(terminal, '5FC105'));
  t.true(verify(null, message, publicKey, data));
});

test("an algorithm that is not the key's, a template without 82 and an empty slot are refused", async (t) => {
  const terminal = await insert({ key: 'p256' });
  await terminal.verify('123456');
  t.is((await terminal.authenticate(0x07, 0x9a, Buffer.alloc(256))).sw, 0x6a86);
  t.is((await terminal.authenticate(0x11, 0x82, Buffer.alloc(32))).sw, 0x6a88);
  t.is((await terminal.raw(`0087119a247c228120${'00'.repeat(32)}`)).sw, 0x6a80);
});

test('a value not below the modulus is refused', (t) => {
  t.throws(() => respond(testKey('rsa2048', 1), Buffer.alloc(256, 0xff)), { message: /6a80/u });
});

test('no two slots of a card and no two cards share a key', (t) => {
  for (const type of KEY_TYPES.filter((one) => one !== 'rsa1024')) {
    const names = [type, `${type}:2`].flatMap((card) =>
      [0x9a, 0x9c, 0x9d, 0x9e].map((slot) => readKey(card, slot)),
    );
    const shown = names.map((key) =>
      createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('hex'),
    );
    t.is(new Set(shown).size, 8, type);
  }
});

test('the certificate says what was asked, and openssl verifies its signature', (t) => {
  for (const type of ['rsa2048', 'p256', 'p384', 'ed25519'] as const) {
    const key = testKey(type, 1);
    const der = makeCertificate(key, {
      cn: 'Ada King, Lovelace',
      organization: 'Ünïcode',
      email: 'ada@example.com',
      upn: 'ada@realm.example',
      serial: 'ff01',
      notBefore: new Date('2020-02-29T12:00:00Z'),
      notAfter: new Date('2060-01-01T00:00:00Z'),
    });
    const read = new X509Certificate(der);
    t.true(read.verify(createPublicKey(key)), type);
    t.true(read.subject.includes('Ada King'));
    t.true(read.subjectAltName?.includes('email:ada@example.com'));
    t.deepEqual(
      [read.serialNumber, read.validFrom, read.validTo],
      ['FF01', 'Feb 29 12:00:00 2020 GMT', 'Jan  1 00:00:00 2060 GMT'],
    );
    t.false(read.ca);
  }
});

test('the test CA issues, and another CA with the same name is another', (t) => {
  const issuer = testAuthority('Test CA');
  const der = makeCertificate(testKey('rsa2048', 1), { cn: 'Ada' }, issuer);
  const authority = new X509Certificate(makeCertificate(issuer.privateKey, { cn: 'Test CA', ca: true }));
  const read = new X509Certificate(der);
  t.true(read.checkIssued(authority));
  t.true(read.verify(createPublicKey(issuer.privateKey)));
  t.false(read.verify(createPublicKey(testKey('ca', 2))));
});

test('the same options make the same card', (t) => {
  const shown = (): string[] =>
    makeProfile({ key: 'p256' }).slots.map(({ certificate: der }) => der?.toString('hex') ?? '');
  t.deepEqual(shown(), shown());
});

test('objects: CHUID with the GUID, discovery without wrapper, gzip, absent ones, PIN-protected ones', async (t) => {
  const guid = '00112233445566778899aabbccddeeff';
  const terminal = await insert({ key: 'p256', guid, gzip: true, slots: ['9A', '82'] });
  t.true((await terminal.getData('5FC102')).data.toString('hex').includes(`3410${guid}`));
  t.is((await terminal.getData('7E')).data.toString('hex'), '7e124f0ba0000003080000100001005f2f024000');
  t.true(
    new X509Certificate(gunzipSync(await certificate(terminal, '5FC105'))).subject.includes('Ada Lovelace'),
  );
  t.is((await terminal.getData('5FC10C')).data.toString('hex'), '5308c10101c20100fe00');
  t.is((await terminal.getData('5FC10A')).sw, 0x6a82);
  t.is((await terminal.getData('5FC109')).sw, 0x6982);
  await terminal.verify('123456');
  t.is((await terminal.getData('5FC109')).sw, 0x6a82);
});

test('what the administrator may do needs the administrator', async (t) => {
  const terminal = await insert({ key: 'p256' });
  await terminal.verify('123456');
  for (const apdu of [
    '0047009a05ac03800111',
    '00db3fff085c035fc105530142',
    '00fe119a22062000',
    '00fffffe020308',
    '00fa0505',
  ]) {
    t.true([0x6982, 0x6700].includes((await terminal.raw(apdu)).sw), apdu);
  }
});

test('metadata: tries, policies, public key; a card without Yubico answers 6D00', async (t) => {
  const terminal = await insert({ key: 'p256' });
  await terminal.verify('000000');
  t.is((await terminal.raw('00f70080')).data.toString('hex'), '0101ff05010106020302');
  t.true((await terminal.raw('00f7009c')).data.toString('hex').startsWith('01011102020301030101044386'));
  const plain = await insert({ key: 'p256', firmware: 'none' });
  for (const apdu of ['00f70080', '00fd0000', '00f80000', '00fb0000'])
    t.is((await plain.raw(apdu)).sw, 0x6d00);
});

test('the ATR announces extended length only where the card speaks it, and its check byte is right', (t) => {
  t.is(defaultAtr(true).toString('hex'), '3bfd1300008131fe158073c021c057597562694b657940');
  t.is(defaultAtr(false)[13], 0x80);
  for (const extended of [true, false])
    t.is(
      defaultAtr(extended)
        .subarray(1)
        .reduce((a, b) => a ^ b, 0),
      0,
    );
});

// The serial comes from the hash of a key: one in 512 begins with a zero byte that must not be written.
for (const [serial, read] of [
  ['002f332e1659e986', '2F332E1659E986'],
  ['00ff', 'FF'],
  ['0001', '01'],
] as const) {
  test(`a certificate with the serial ${serial} can be read`, (t) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    t.is(new X509Certificate(makeCertificate(privateKey, { cn: 'A', serial })).serialNumber, read);
  });
}
