// Sealing to a card's key for key management: what comes out is what went in, and with anything else than this card,
// user, pairing and host, or with one bit changed, nothing comes out. The card is a private key here.

import {
  constants,
  createCipheriv,
  createECDH,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  privateDecrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { AgentError } from '../../../../agent/base/errors.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { parsePkhh, publicKeyOf } from '../../../../agent/model/key/key.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import {
  canSealTo,
  cardInputOf,
  MAX_SEALED_BYTES,
  openSealed,
  sealSecret,
  type SealBinding,
} from '../../../../agent/model/secret/sealed-secret.ts';
import { testKey } from '../../../kit/card/algorithms.ts';

const binding: SealBinding = {
  hostId: Buffer.alloc(16, 7),
  user: parseUsername('ada'),
  pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8'),
};
const malformed = { instanceOf: AgentError, code: 'malformed' } as const;

/** What a card makes of its input: the raw operation of SP 800-73-4 part 2, 3.2.4. */
function agreeBy(privateKey: KeyObject, input: Buffer): Buffer {
  if (privateKey.asymmetricKeyType === 'rsa')
    return privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, input);
  const curve = privateKey.asymmetricKeyDetails?.namedCurve ?? '';
  const ecdh = createECDH(curve);
  ecdh.setPrivateKey(Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'));
  return ecdh.computeSecret(input);
}

const kinds = ['p256', 'p384', 'rsa2048', 'rsa3072', 'rsa4096'] as const;
const cards = kinds.map((kind) => {
  const privateKey = testKey(kind, 3);
  return { kind, privateKey, key: publicKeyOf(createPublicKey(privateKey)) };
});

for (const { kind, privateKey, key } of cards) {
  test.serial(`${kind}: what was sealed comes out, any bytes up to 512, and leaves nothing behind`, (t) => {
    const free = freeSecretSlots();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 512 }), (secret) => {
        const sealed = sealSecret(secret, key, binding);
        t.true(sealed.length <= MAX_SEALED_BYTES);
        const opened = openSealed(sealed, key, agreeBy(privateKey, cardInputOf(sealed, key)), binding);
        const same = opened.peek((bytes) => bytes.equals(Buffer.from(secret)));
        opened.wipe();
        return same && freeSecretSlots() === free;
      }),
      { numRuns: kind === 'rsa4096' ? 10 : 40 },
    );
    const telling = Buffer.from('a telling secret');
    sealSecret(telling, key, binding);
    t.false(secretBlock().includes(telling));
  });

  test.serial(`${kind}: another host, user, pairing or card opens nothing`, (t) => {
    const sealed = sealSecret(Buffer.from('secret'), key, binding);
    const agreed = agreeBy(privateKey, cardInputOf(sealed, key));
    const free = freeSecretSlots();
    for (const other of [
      { ...binding, hostId: Buffer.alloc(16, 8) },
      { ...binding, user: parseUsername('bob') },
      { ...binding, pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C9') },
    ])
      t.throws(() => openSealed(sealed, key, agreed, other), malformed);
    t.throws(() => openSealed(sealed, key, randomBytes(agreed.length), binding), malformed);
    const stranger = publicKeyOf(createPublicKey(testKey(kind, 4)));
    t.throws(() => openSealed(sealed, stranger, agreed, binding), malformed);
    t.is(freeSecretSlots(), free);
  });

  test.serial(`${kind}: each changed byte, each cut and each added byte is refused`, (t) => {
    const sealed = sealSecret(Buffer.from('secret'), key, binding);
    const agreed = agreeBy(privateKey, cardInputOf(sealed, key));
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      t.throws(() => openSealed(changed, key, agreed, binding), malformed, `byte ${at}`);
      t.throws(() => openSealed(sealed.subarray(0, at), key, agreed, binding), malformed, `cut at ${at}`);
    }
    t.throws(() => openSealed(Buffer.concat([sealed, Buffer.alloc(1)]), key, agreed, binding), malformed);
    t.throws(() => openSealed(Buffer.alloc(MAX_SEALED_BYTES + 1, 1), key, agreed, binding), malformed);
  });
}

test('two seals of the same secret have nothing in common, and its length shows in steps only', (t) => {
  for (const { key } of cards) {
    const [first, second] = [
      sealSecret(Buffer.from('a'), key, binding),
      sealSecret(Buffer.from('a'), key, binding),
    ];
    t.false(cardInputOf(first, key).equals(cardInputOf(second, key)));
    t.is(first.length, sealSecret(Buffer.alloc(62, 1), key, binding).length);
  }
});

test('nothing is sealed to a key that only signs, and nothing longer than a password can be', (t) => {
  const ed25519 = publicKeyOf(generateKeyPairSync('ed25519').publicKey);
  t.false(canSealTo(ed25519));
  const [first] = cards;
  t.throws(() => sealSecret(Buffer.from('a'), ed25519, binding), {
    instanceOf: AgentError,
    code: 'not-supported',
  });
  if (first === undefined) throw new Error('no card');
  t.throws(() => sealSecret(Buffer.alloc(513), first.key, binding), {
    instanceOf: AgentError,
    code: 'invalid-argument',
  });
});

/** Who has the public key can seal, and so whatever plain text they like: the format as its description says it. */
function forged(plain: Buffer, key: ReturnType<typeof publicKeyOf>): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const ephemeral = createECDH('prime256v1');
  const input = ephemeral.generateKeys();
  const { x = '', y = '' } = key.keyObject.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), ...[x, y].map((part) => Buffer.from(part, 'base64url'))]);
  const { hostId, user, pkhh } = binding;
  const fields = [Buffer.from('scauth keyring secret'), Buffer.from([1]), hostId, Buffer.from(user)];
  const context = Buffer.concat(
    [...fields, Buffer.from(pkhh), key.spki, input].flatMap((field) => [u16(field.length), field]),
  );
  const info = createHash('sha256').update(context).digest();
  const agreed = ephemeral.computeSecret(point);
  const derived = Buffer.from(hkdfSync('sha256', agreed, 'scauth keyring secret', info, 32));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', derived, nonce).setAAD(context);
  const hidden = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([1]), u16(input.length), input, nonce, hidden, cipher.getAuthTag()]);
}

test('a secret that says it were longer than it is, or than any, is none', (t) => {
  const card = cards.find(({ kind }) => kind === 'p256');
  if (card === undefined) throw new Error('no card');
  const { key, privateKey } = card;
  const open = (plain: Buffer) => {
    const sealed = forged(plain, key);
    return openSealed(sealed, key, agreeBy(privateKey, cardInputOf(sealed, key)), binding);
  };
  const plain = (length: number, bytes: number): Buffer => {
    const all = Buffer.alloc(bytes, 'x');
    all.writeUInt16BE(length);
    return all;
  };
  const opened = open(plain(62, 64));
  t.is(opened.length, 62);
  opened.wipe();
  t.throws(() => open(plain(63, 64)), malformed);
  t.throws(() => open(plain(513, 576)), malformed);
  // Nor is one of another length than ours have: none at all, half a step, more than any.
  for (const bytes of [0, 63, 65, 1280]) t.throws(() => open(Buffer.alloc(bytes)), malformed, String(bytes));
});
