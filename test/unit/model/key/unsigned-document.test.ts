// What a card signs about its own key, judged by OpenSSL as Node has it; and a signature that is none of the key's.

import { createPublicKey, sign, X509Certificate } from 'node:crypto';
import test from 'ava';
import { publicKeyOf } from '../../../../agent/model/key/key.ts';
import { UnsignedDocument } from '../../../../agent/model/key/unsigned-document.ts';
import { testKey } from '../../../kit/card/algorithms.ts';

for (const kind of ['p256', 'p384', 'rsa2048', 'ed25519'] as const)
  test(`${kind}: signed by its key it is a certificate; by another, or over something else, it is none`, (t) => {
    const privateKey = testKey(kind, 1);
    const document = UnsignedDocument.certificate({
      use: 'login',
      publicKey: publicKeyOf(createPublicKey(privateKey)),
      subject: { commonName: 'Ada Lovelace' },
      nowMs: 1_768_000_000_000,
    });
    const body = document.body();
    const signed = new X509Certificate(document.signed(sign(document.hash, body, privateKey)));
    t.true(signed.verify(createPublicKey(privateKey)));
    t.regex(signed.subject, /CN=Ada Lovelace/);
    for (const signature of [
      sign(document.hash, body, testKey(kind, 2)),
      sign(document.hash, Buffer.concat([body, Buffer.from([0])]), privateKey),
      Buffer.alloc(0),
      Buffer.alloc(256, 1),
    ])
      t.throws(() => document.signed(signature), { code: 'bad-proof' });
  });
