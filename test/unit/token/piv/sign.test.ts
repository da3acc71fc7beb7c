// What a key is given to work on, and how its answer is read.
import {
  constants,
  createHash,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { writeTlv } from '../../../../agent/base/tlv.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { publicKeyOf } from '../../../../agent/model/key/key.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import { emsaPss, readSignature, signatureInput } from '../../../../agent/token/piv/sign.ts';
import { respond, testKey } from '../../../kit/card/algorithms.ts';

const challenge = Challenge.create({
  purpose: 'login',
  hostId: Buffer.alloc(16, 7),
  user: 'ada',
  service: 'sudo',
});

test('the raw operation of each kind of key on our input is a proof', (t) => {
  for (const algorithm of ['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'ed25519'] as const) {
    const key = testKey(algorithm, 1);
    const { scheme, bytes } = signatureInput(challenge, algorithm);
    const proof = { scheme, signature: respond(key, bytes) };
    t.notThrows(() => verifyProof(challenge, proof, publicKeyOf(createPublicKey(key))), algorithm);
  }
});

test('EMSA-PSS agrees with OpenSSL, both ways', (t) => {
  const privateKey = testKey('rsa2048', 1);
  const publicKey = createPublicKey(privateKey);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const message = Buffer.from('message');
  // OpenSSL's padding of the same message, taken out of its signature: with its salt ours is the same, byte for byte.
  const theirs = sign('sha256', message, { key: privateKey, ...pss });
  const padded = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, theirs);
  const salt = unmask(padded);
  t.deepEqual(emsaPss(message, 2048, salt), padded);
  const ours = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, emsaPss(message, 2048));
  t.true(verify('sha256', message, { key: publicKey, ...pss }, ours));
});

/** The salt of an encoded message of 256 bytes: encode with any salt gives the same mask for the same hash. */
function unmask(padded: Buffer): Buffer {
  const hash = padded.subarray(256 - 33, 255);
  const mask = Buffer.concat(
    Array.from({ length: 7 }, (_, counter) => {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(counter);
      return createHash('sha256').update(hash).update(number).digest();
    }),
  );
  return Buffer.from(padded.subarray(191, 223).map((byte, index) => byte ^ (mask[191 + index] ?? 0)));
}

test('an encoded message is as long as the modulus, and its first bit is clear', (t) => {
  for (const bits of [2048, 3072, 4096]) {
    for (let i = 0; i < 50; i++) {
      const encoded = emsaPss(Buffer.from([i]), bits);
      t.is(encoded.length, bits / 8);
      t.true((encoded[0] ?? 0xff) < 0x80);
    }
  }
});

test('each signature has a salt of its own', (t) => {
  t.notDeepEqual(signatureInput(challenge, 'rsa2048').bytes, signatureInput(challenge, 'rsa2048').bytes);
});

const reply = (signature: Uint8Array): Buffer => writeTlv(0x7c, writeTlv(0x82, signature));

test('L9: a signature of 512 bytes is read; of 0, 513 and 65535 bytes is a fault', (t) => {
  t.is(readSignature(reply(Buffer.alloc(512, 1))).length, 512);
  for (const bytes of [0, 513, 65_535])
    t.throws(() => readSignature(reply(Buffer.alloc(bytes))), { code: 'card-fault' });
});

test('L10: anything else than one 82 in one 7C is a fault', (t) => {
  const one = writeTlv(0x82, Buffer.from([1, 2]));
  const bad = [
    Buffer.alloc(0),
    one,
    writeTlv(0x7c, Buffer.alloc(0)),
    writeTlv(0x7c, Buffer.concat([one, one])),
    writeTlv(0x7c, writeTlv(0x81, Buffer.from([1]))),
    Buffer.concat([writeTlv(0x7c, one), Buffer.from([0])]),
    Buffer.from('7C80820101', 'hex'),
    ...Array.from({ length: 5 }, (_, length) => writeTlv(0x7c, one).subarray(0, length)),
  ];
  for (const bytes of bad)
    t.throws(() => readSignature(bytes), { code: 'card-fault' }, bytes.toString('hex'));
});

test('L10: random bytes are a signature or an AgentError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
      try {
        readSignature(bytes);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
      }
    }),
  );
  t.pass();
});
