// A private key that signs challenges as a card would, for each scheme; real cryptography, no card.

import { constants, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { publicKeyOf, type KeyAlgorithm, type PublicKey } from '../../../agent/model/key/key.ts';
import { testKey } from '../../kit/card/algorithms.ts';
import type { Proof, ProofScheme } from '../../../agent/model/proof.ts';

export interface Signer {
  readonly publicKey: PublicKey;
  /** Signs with the scheme that fits the key, or the one that is named. */
  readonly sign: (message: Uint8Array, scheme?: ProofScheme) => Proof;
}

const KEYS_OF_A_TYPE = 8;
/** Fixed keys while there are any, each once: to make a long one takes seconds. */
const taken = new Map<string, number>();

function nextOf(type: 'rsa2048' | 'rsa3072' | 'rsa4096'): { publicKey: KeyObject; privateKey: KeyObject } {
  const number = (taken.get(type) ?? 0) + 1;
  taken.set(type, number);
  if (number > KEYS_OF_A_TYPE) return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(3)) });
  const privateKey = testKey(type, number);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const pairs: Record<KeyAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
  rsa2048: () => nextOf('rsa2048'),
  rsa3072: () => nextOf('rsa3072'),
  rsa4096: () => nextOf('rsa4096'),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

export const usualScheme: Record<KeyAlgorithm, ProofScheme> = {
  rsa2048: 'rsa-pss-sha256',
  rsa3072: 'rsa-pss-sha256',
  rsa4096: 'rsa-pss-sha256',
  p256: 'ecdsa-sha256',
  p384: 'ecdsa-sha384',
  ed25519: 'ed25519',
};

function signBy(scheme: ProofScheme, key: KeyObject, message: Uint8Array): Buffer {
  switch (scheme) {
    case 'rsa-pss-sha256': {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      return sign('sha256', message, { key, padding, saltLength: 32 });
    }
    case 'rsa-pkcs1-sha256':
    case 'ecdsa-sha256':
      return sign('sha256', message, key);
    case 'ecdsa-sha384':
      return sign('sha384', message, key);
    case 'ed25519':
      return sign(null, message, key);
  }
}

export function makeSigner(algorithm: KeyAlgorithm): Signer {
  const { publicKey, privateKey } = pairs[algorithm]();
  return {
    publicKey: publicKeyOf(publicKey),
    sign: (message, scheme = usualScheme[algorithm]) => ({
      scheme,
      signature: signBy(scheme, privateKey, message),
    }),
  };
}
