// Challenge → Proof → VerifiedProof → grant: what is signed, what verifies, and that nothing else opens a door.

import { generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { ByteReader } from '../../../agent/base/bytes.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { Challenge, type ChallengeContext } from '../../../agent/model/challenge.ts';
import { grant } from '../../../agent/model/decision.ts';
import { publicKeyOf, type KeyAlgorithm } from '../../../agent/model/key/key.ts';
import type { Pairing } from '../../../agent/model/pairing.ts';
import { VerifiedProof, verifyProof, type ProofScheme } from '../../../agent/model/proof.ts';
import { parseUsername } from '../../../agent/model/request.ts';
import { anyText } from '../../kit/any-text.ts';
import { makeSigner, usualScheme, type Signer } from './signer.ts';

const badProof = { instanceOf: AgentError, code: 'bad-proof' } as const;
const context: ChallengeContext = {
  purpose: 'login',
  hostId: Buffer.alloc(16, 7),
  user: 'alice',
  service: 'sudo',
};
const algorithms = Object.keys(usualScheme) as KeyAlgorithm[];
const schemes: ProofScheme[] = [
  'rsa-pss-sha256',
  'rsa-pkcs1-sha256',
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ed25519',
];
const signers = new Map<KeyAlgorithm, Signer>();

function signerOf(algorithm: KeyAlgorithm): Signer {
  const signer = signers.get(algorithm) ?? makeSigner(algorithm);
  signers.set(algorithm, signer);
  return signer;
}

const signer = signerOf('p256');
const other = makeSigner('p256');

function pairingOf({ publicKey }: Signer, key = publicKey as Signer['publicKey'] | null): Pairing {
  return {
    user: parseUsername('alice'),
    pkhh: publicKey.pkhh,
    publicKey: key,
    tokenId: null,
    driver: null,
    label: 'test',
    certificate: null,
    cardKey: null,
    pairedBy: 'root',
    pairedAtMs: 0,
  };
}

function fieldsOf(challenge: Challenge): Buffer[] {
  const reader = new ByteReader(challenge.message());
  const fields: Buffer[] = [];
  while (reader.remaining > 0) fields.push(reader.bytes(reader.u16()));
  return fields;
}

test('L21: a challenge is label, version, purpose, host, user, service and nonce, each with its length', (t) => {
  const fields = fieldsOf(Challenge.create(context));
  t.deepEqual(
    fields.slice(0, 6),
    ['scauth card proof', '\u0001', 'login', '\u0007'.repeat(16), 'alice', 'sudo'].map((text) =>
      Buffer.from(text),
    ),
  );
  t.is(fields[6]?.length, 32);
  t.is(fields.length, 7);
});

test('L8: each nonce is fresh', (t) => {
  const nonces = Array.from({ length: 500 }, () => fieldsOf(Challenge.create(context))[6]?.toString('hex'));
  t.is(new Set(nonces).size, 500);
  // All bytes are used: over 500 nonces no position is constant.
  for (let at = 0; at < 64; at += 2)
    t.true(new Set(nonces.map((nonce) => nonce?.slice(at, at + 2))).size > 50);
});

test('two contexts never make one message', (t) => {
  const text = anyText(40);
  const fixed = (one: ChallengeContext): string =>
    Challenge.create(one).message().subarray(0, -32).toString('hex');
  fc.assert(
    fc.property(text, text, text, text, (user, service, user2, service2) => {
      const same =
        Buffer.from(user).equals(Buffer.from(user2)) && Buffer.from(service).equals(Buffer.from(service2));
      return (
        (fixed({ ...context, user, service }) === fixed({ ...context, user: user2, service: service2 })) ===
        same
      );
    }),
  );
  t.not(fixed({ ...context, user: 'ab', service: 'c' }), fixed({ ...context, user: 'a', service: 'bc' }));
  t.not(fixed(context), fixed({ ...context, purpose: 'pairing' }));
});

test('a message is a copy, and a field has a limit', (t) => {
  const challenge = Challenge.create(context);
  const before = challenge.message();
  challenge.message().fill(0);
  t.deepEqual(challenge.message(), before);
  t.throws(() => Challenge.create({ ...context, service: 'x'.repeat(513) }), {
    instanceOf: AgentError,
    code: 'invalid-argument',
  });
});

for (const algorithm of algorithms) {
  test(`${algorithm}: its own schemes verify, every other is refused`, (t) => {
    const { publicKey, sign: signMessage } = signerOf(algorithm);
    const challenge = Challenge.create(context);
    for (const scheme of schemes) {
      const fits = algorithm.startsWith('rsa') ? scheme.startsWith('rsa') : scheme === usualScheme[algorithm];
      const proof = signMessage(challenge.message(), fits ? scheme : usualScheme[algorithm]);
      if (fits) t.true(VerifiedProof.isGenuine(verifyProof(challenge, proof, publicKey)), scheme);
      else t.throws(() => verifyProof(challenge, { ...proof, scheme }, publicKey), badProof, scheme);
    }
  });

  test(`L3: ${algorithm}: a signature by another key of the kind is refused`, (t) => {
    const challenge = Challenge.create(context);
    const proof = makeSigner(algorithm).sign(challenge.message());
    t.throws(() => verifyProof(challenge, proof, signerOf(algorithm).publicKey), badProof);
  });

  test(`L9: ${algorithm}: signatures of 0 bytes, 64 KiB and other wrong lengths are refused`, (t) => {
    const challenge = Challenge.create(context);
    const { publicKey, sign: signMessage } = signerOf(algorithm);
    const good = signMessage(challenge.message());
    for (const signature of [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(512),
      Buffer.alloc(513),
      Buffer.alloc(65_536, 0xff),
      Buffer.from(good.signature).subarray(1),
      Buffer.from(good.signature).subarray(0, -1),
      Buffer.concat([good.signature, Buffer.from([0])]),
    ]) {
      t.throws(() => verifyProof(challenge, { ...good, signature }, publicKey), badProof);
    }
  });
}

test('L9: rsa2048: a signature whose leading zero is left out is refused, as RFC 8017 wants it', (t) => {
  const { publicKey, sign: signMessage } = signerOf('rsa2048');
  for (;;) {
    const challenge = Challenge.create(context);
    const good = signMessage(challenge.message());
    if (good.signature[0] !== 0) continue;
    t.notThrows(() => verifyProof(challenge, good, publicKey));
    const signature = Buffer.from(good.signature).subarray(1);
    t.throws(() => verifyProof(challenge, { ...good, signature }, publicKey), badProof);
    return;
  }
});

test('L8: a signature over an earlier challenge is refused', (t) => {
  const old = signer.sign(Challenge.create(context).message());
  t.throws(() => verifyProof(Challenge.create(context), old, signer.publicKey), badProof);
});

test('L21: a proof for pairing, another user, service or host is none for this login', (t) => {
  const challenge = Challenge.create(context);
  const nonce = challenge.message().subarray(-32);
  t.notThrows(() => verifyProof(challenge, signer.sign(challenge.message()), signer.publicKey));
  for (const change of [
    { purpose: 'pairing' as const },
    { user: 'bob' },
    { service: 'login' },
    { hostId: Buffer.alloc(16) },
  ]) {
    // Even if the nonce were the same.
    const foreign = Challenge.create({ ...context, ...change }).message();
    nonce.copy(foreign, foreign.length - 32);
    t.throws(() => verifyProof(challenge, signer.sign(foreign), signer.publicKey), badProof);
  }
});

test('L21: a signature over a digest from outside is refused', (t) => {
  t.throws(
    () => verifyProof(Challenge.create(context), signer.sign(Buffer.alloc(32)), signer.publicKey),
    badProof,
  );
});

test('ECDSA in the raw form of PKCS#11 is refused: drivers convert it', (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const challenge = Challenge.create(context);
  const signature = sign('sha256', challenge.message(), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  t.throws(
    () => verifyProof(challenge, { scheme: 'ecdsa-sha256', signature }, publicKeyOf(publicKey)),
    badProof,
  );
});

test('random signatures are refused and never throw anything else', (t) => {
  const challenge = Challenge.create(context);
  fc.assert(
    fc.property(
      fc.constantFrom(...algorithms),
      fc.constantFrom(...schemes),
      fc.uint8Array({ maxLength: 520 }),
      (algorithm, scheme, signature) => {
        try {
          verifyProof(challenge, { scheme, signature }, signerOf(algorithm).publicKey);
          return false;
        } catch (error) {
          return error instanceof AgentError && error.code === 'bad-proof';
        }
      },
    ),
  );
  t.pass();
});

function genuineProof(): VerifiedProof {
  const challenge = Challenge.create(context);
  return verifyProof(challenge, signer.sign(challenge.message()), signer.publicKey);
}

test('a verified proof cannot be forged', (t) => {
  const genuine = genuineProof();
  const Constructor = VerifiedProof as unknown as new (...parts: unknown[]) => VerifiedProof;
  const { publicKey } = signer;
  for (const symbol of [undefined, Symbol('verifyProof'), Symbol.for('verifyProof')]) {
    t.throws(() => new Constructor(symbol, publicKey), { instanceOf: AgentError, code: 'internal' });
    t.throws(() => Reflect.construct(VerifiedProof, [symbol, publicKey]) as unknown, {
      instanceOf: AgentError,
    });
  }
  const forgeries: unknown[] = [
    { key: publicKey },
    Object.assign({}, genuine),
    JSON.parse(JSON.stringify({ key: publicKey.pkhh })),
    Object.create(VerifiedProof.prototype, { key: { value: publicKey } }),
    Object.setPrototypeOf({ key: publicKey }, VerifiedProof.prototype),
    Object.setPrototypeOf({ key: publicKey }, genuine),
    new Proxy(genuine, {}),
    Object.create(genuine),
    null,
    'granted',
  ];
  for (const forged of forgeries) {
    t.false(VerifiedProof.isGenuine(forged));
    t.throws(() => grant(forged as VerifiedProof, pairingOf(signer)), badProof);
  }
  t.true(VerifiedProof.isGenuine(genuine));
});

test('the key of a verified proof cannot be exchanged', (t) => {
  const genuine = genuineProof();
  t.throws(() => Object.assign(genuine, { key: other.publicKey }), { instanceOf: TypeError });
  t.throws(() => Object.defineProperty(genuine, 'key', { value: other.publicKey }), {
    instanceOf: TypeError,
  });
  t.is(genuine.key, signer.publicKey);
});

test('L22: grant compares the whole key, not the hash', (t) => {
  const genuine = genuineProof();
  t.like(grant(genuine, pairingOf(signer)), { kind: 'granted', user: 'alice' });
  t.throws(() => grant(genuine, pairingOf(other)), badProof);
  t.throws(() => grant(genuine, pairingOf(signer, null)), badProof);
  const collision = { ...other.publicKey, pkhh: signer.publicKey.pkhh };
  t.throws(() => grant(genuine, pairingOf(signer, collision)), badProof);
});
