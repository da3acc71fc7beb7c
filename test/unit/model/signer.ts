// A private key that signs challenges as a card would, for each scheme; real cryptography, no card.

import { constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { publicKeyOf, type KeyAlgorithm, type PublicKey } from '../../../agent/model/key.ts';
import type { Proof, ProofScheme } from '../../../agent/model/proof.ts';

export interface Signer {
  readonly publicKey: PublicKey;
  /** Signs with the scheme that fits the key, or the one that is named. */
  readonly sign: (message: Uint8Array, scheme?: ProofScheme) => Proof;
}

const pairs: Record<KeyAlgorithm, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa3072: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  rsa4096: () => generateKeyPairSync('rsa', { modulusLength: 4096 }),
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
