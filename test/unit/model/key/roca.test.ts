// L23: keys of RSALib (ROCA, CVE-2017-15361) are refused. The keys are made of the numbers that library chose at random.
import { checkPrimeSync, createPublicKey } from 'node:crypto';
import test from 'ava';
import { parsePublicKey, publicKeyOf } from '../../../../agent/model/key/key.ts';
import { hasRocaFingerprint } from '../../../../agent/model/key/roca.ts';
import { testKey } from '../../../kit/card/algorithms.ts';

const GENERATOR = 65_537n;

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The product of the first `count` primes: RSALib's M (126 for 2048 bits, 225 for 4096). */
function primorial(count: number): bigint {
  let product = 1n;
  for (let candidate = 2, found = 0; found < count; candidate += 1) {
    if (!checkPrimeSync(BigInt(candidate))) continue;
    product *= BigInt(candidate);
    found += 1;
  }
  return product;
}

/** k·M + (65537^a mod M), as RSALib made its primes: two of each size that are prime, their two highest bits set. */
const PRIMES = [
  {
    bits: 2048,
    primorial: 126,
    factors: [
      [0x1a9ce584a478b2n, 0x9c9e2096a13a8d246e3334c58d0a150fac3ee18ede8c62a6e096ee33a1c6d3a9n],
      [0x1bc0aeb98c876en, 0x813470d5d8647c87e8d001ffbbe1f4ebb307a4d46924a0f3b752a3900678d2e8n],
    ],
  },
  {
    bits: 4096,
    primorial: 225,
    factors: [
      [0x3318e3057fac0abcfbd13fn, 0x1623c762b1a17e418dafba36cfbab187ff202b2cafaeb966e352527025949bb8n],
      [0x35e8e48c7d996830bdc71an, 0x4e4f3483f71a5ed77f7e0546c495481573eb3e8294d723c2657d9da3730abcd0n],
    ],
  },
] as const;

function rsaKey(modulus: bigint): ReturnType<typeof createPublicKey> {
  const n = Buffer.from(modulus.toString(16), 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
}

for (const { bits, primorial: count, factors } of PRIMES) {
  test(`L23: a ROCA modulus of ${bits} bits is refused, however it comes`, (t) => {
    const m = primorial(count);
    const [p, q] = factors.map(([k, a]) => k * m + power(GENERATOR, a, m));
    t.true([p, q].every((prime) => prime !== undefined && checkPrimeSync(prime)));
    const key = rsaKey((p ?? 0n) * (q ?? 0n));
    t.is(key.asymmetricKeyDetails?.modulusLength, bits);
    const refusal = { code: 'weak-key', message: /ROCA/ };
    t.throws(() => publicKeyOf(key), refusal);
    t.throws(() => parsePublicKey(key.export({ type: 'spki', format: 'der' })), refusal);
  });
}

test('L23: other moduli do not have the fingerprint', (t) => {
  for (const type of ['rsa2048', 'rsa3072'] as const) {
    const publicKey = createPublicKey(testKey(type, 1));
    const { n = '' } = publicKey.export({ format: 'jwk' });
    t.false(hasRocaFingerprint(Buffer.from(n, 'base64url')));
    t.is(publicKeyOf(publicKey).algorithm, type);
  }
  // A single residue that is no power of 65537 is enough: 2 is none modulo 11.
  const m = primorial(126) / 11n;
  const almost = power(GENERATOR, 123_456_789n, m);
  let modulus = almost;
  while (modulus % 11n !== 2n) modulus += m;
  t.false(hasRocaFingerprint(Buffer.from(modulus.toString(16).padStart(512, '0'), 'hex')));
});
