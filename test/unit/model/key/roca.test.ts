// L23: keys of RSALib (ROCA, CVE-2017-15361) are refused. The keys are made here, as that library made them.
import { checkPrimeSync, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import test from 'ava';
import { parsePublicKey, publicKeyOf } from '../../../../agent/model/key/key.ts';
import { hasRocaFingerprint } from '../../../../agent/model/key/roca.ts';

const GENERATOR = 65_537n;

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function random(bits: number): bigint {
  const bytes = randomBytes(Math.ceil(bits / 8));
  return BigInt(`0x${bytes.toString('hex')}`) & ((1n << BigInt(bits)) - 1n);
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

/** k·M + (65537^a mod M), a prime of exactly `bits` bits whose two highest bits are set. */
function weakPrime(bits: number, m: bigint): bigint {
  for (;;) {
    const wanted = (3n << BigInt(bits - 2)) | random(bits - 2);
    const prime = (wanted / m) * m + power(GENERATOR, random(256), m);
    if (prime.toString(2).length === bits && checkPrimeSync(prime)) return prime;
  }
}

function rsaKey(modulus: bigint): ReturnType<typeof createPublicKey> {
  const n = Buffer.from(modulus.toString(16), 'hex').toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' });
}

for (const [bits, primes] of [
  [2048, 126],
  [4096, 225],
] as const) {
  test(`L23: a ROCA modulus of ${bits} bits is refused, however it comes`, (t) => {
    const m = primorial(primes);
    const key = rsaKey(weakPrime(bits / 2, m) * weakPrime(bits / 2, m));
    t.is(key.asymmetricKeyDetails?.modulusLength, bits);
    const refusal = { code: 'weak-key', message: /ROCA/ };
    t.throws(() => publicKeyOf(key), refusal);
    t.throws(() => parsePublicKey(key.export({ type: 'spki', format: 'der' })), refusal);
  });
}

test('L23: other moduli do not have the fingerprint', (t) => {
  for (const bits of [2048, 3072]) {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
    const { n = '' } = publicKey.export({ format: 'jwk' });
    t.false(hasRocaFingerprint(Buffer.from(n, 'base64url')));
    t.is(publicKeyOf(publicKey).algorithm, `rsa${bits}` as 'rsa2048');
  }
  // A single residue that is no power of 65537 is enough: 2 is none modulo 11.
  const m = primorial(126) / 11n;
  const almost = power(GENERATOR, random(256), m);
  let modulus = almost;
  while (modulus % 11n !== 2n) modulus += m;
  t.false(hasRocaFingerprint(Buffer.from(modulus.toString(16).padStart(512, '0'), 'hex')));
});
