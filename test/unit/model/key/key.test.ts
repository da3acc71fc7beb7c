// Keys and their hashes against values that openssl made (test/vectors/keys), and the certificate of macOS's own
// transcript. What cannot log in is refused here.

import { generateKeyPairSync } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import {
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
  parseCertificateFile,
  parsePkhh,
  parsePublicKey,
  publicKeyOf,
  sameKey,
} from '../../../../agent/model/key/key.ts';

const vectors = join(import.meta.dirname, '../../../vectors');
const algorithms = ['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'ed25519'] as const;

function noted(text: string, name: string): string {
  return new RegExp(`^# ${name} (.+)$`, 'm').exec(text)?.[1] ?? '';
}

test('the certificate of the macOS transcript has the hash that macOS printed', (t) => {
  const certificate = parseCertificateFile(readFileSync(join(vectors, 'cacert-user.pem')));
  t.is(certificate.publicKey.pkhh, parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8'));
  t.is(certificate.holder, 'CAcert WoT User');
  t.is(certificate.serialNumber, '13C81A');
  t.is(new Date(certificate.notAfterMs).toISOString(), '2019-03-08T19:50:20.000Z');
});

for (const algorithm of algorithms) {
  test(`${algorithm}: algorithm, pkhh and SHA-256 are openssl's`, (t) => {
    const file = readFileSync(join(vectors, `keys/${algorithm}.pem`));
    const certificate = parseCertificateFile(file);
    const key = certificate.publicKey;
    t.is(key.algorithm, algorithm);
    t.is<string, string>(key.pkhh, noted(file.toString(), 'pkhh'));
    t.is(key.sha256, noted(file.toString(), 'sha256'));
    t.is(certificate.holder, `Vector ${algorithm}`);
    t.is(certificate.issuer, `CN=Vector ${algorithm}, O=Test`);
    // The same key by its SPKI, and the certificate by its DER.
    t.true(sameKey(parsePublicKey(key.spki), key));
    t.deepEqual(parseCertificate(certificate.der).publicKey.pkhh, key.pkhh);
    t.deepEqual(parseCertificateFile(certificate.der).publicKey.pkhh, key.pkhh);
  });
}

test('L23: keys that cannot log in are refused by kind and size', (t) => {
  const refused = globSync('keys/refused-*.pem', { cwd: vectors });
  t.true(refused.length >= 6);
  for (const file of refused) {
    t.throws(
      () => parseCertificateFile(readFileSync(join(vectors, file))),
      { instanceOf: AgentError, code: 'weak-key' },
      basename(file),
    );
  }
  const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey;
  for (const key of [generateKeyPairSync('x25519').publicKey, dsa]) {
    t.throws(() => publicKeyOf(key), { instanceOf: AgentError, code: 'weak-key' });
  }
});

test('L23: a point off its curve is no key', (t) => {
  const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
  t.throws(() => parsePublicKey(spki), { instanceOf: AgentError, code: 'malformed' });
});

test('trailing and missing bytes of a key are refused', (t) => {
  const { spki } = parseCertificateFile(readFileSync(join(vectors, 'keys/p256.pem'))).publicKey;
  for (const bytes of [spki.subarray(0, -1), Buffer.alloc(0), Buffer.alloc(1201, 0x30)]) {
    t.throws(() => parsePublicKey(bytes), { instanceOf: AgentError, code: 'malformed' });
  }
});

test('bytes that are no certificate', (t) => {
  const good = parseCertificateFile(readFileSync(join(vectors, 'keys/p256.pem'))).der;
  const bad: Buffer[] = [
    Buffer.alloc(0),
    Buffer.from('-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----'),
    Buffer.from('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'),
    Buffer.from('-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----'),
    good.subarray(0, -1),
    Buffer.concat([good, Buffer.from([0])]),
    Buffer.alloc(MAX_CERTIFICATE_BYTES + 1, 0x30),
    Buffer.alloc(4 * MAX_CERTIFICATE_BYTES + 1, 0x20),
  ];
  for (const bytes of bad) {
    t.throws(() => parseCertificateFile(bytes), { instanceOf: AgentError, code: 'bad-certificate' });
  }
});

test('no bytes make anything but AgentError', (t) => {
  const good = parseCertificateFile(readFileSync(join(vectors, 'keys/p256.pem')));
  const parse = (bytes: Buffer): boolean => {
    for (const act of [parseCertificate, parseCertificateFile, parsePublicKey]) {
      try {
        act(bytes);
      } catch (error) {
        if (!(error instanceof AgentError)) return false;
      }
    }
    return true;
  };
  fc.assert(
    fc.property(fc.nat(good.der.length - 1), fc.nat(255), (at, byte) => {
      const changed = Buffer.from(good.der);
      changed[at] = byte;
      return parse(changed) && parse(changed.subarray(0, at));
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => parse(Buffer.from(bytes))));
  t.pass();
});

test('a hash is taken as people type it, and nothing else is', (t) => {
  const hash = '0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8';
  for (const text of [hash, hash.toLowerCase(), hash.replace(/(..)(?!$)/g, '$1:'), ` ${hash}\n`]) {
    t.is<string, string>(parsePkhh(text), hash);
  }
  for (const text of ['', hash.slice(1), `${hash}0`, hash.replace('B', 'G'), `${hash}%`, '٣'.repeat(40)]) {
    t.throws(() => parsePkhh(text), { instanceOf: AgentError, code: 'invalid-argument' });
  }
});
