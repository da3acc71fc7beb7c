// Whether a key is large enough for the policy. Pure.

import type { KeyAlgorithm } from '../agent/model/key/key.ts';
import type { Policy, SettingName } from './policy.ts';

/** Bits as login.min_rsa_bits and login.min_ec_bits count them. */
const BITS: Readonly<Record<KeyAlgorithm, readonly [family: 'rsa' | 'ec', bits: number]>> = {
  rsa2048: ['rsa', 2048],
  rsa3072: ['rsa', 3072],
  rsa4096: ['rsa', 4096],
  p256: ['ec', 256],
  p384: ['ec', 384],
  ed25519: ['ec', 256],
};

/** The setting that refuses the key; null when it may be used. */
export function refusesKey({ login }: Pick<Policy, 'login'>, algorithm: KeyAlgorithm): SettingName | null {
  const [family, bits] = BITS[algorithm];
  if (family === 'rsa') return bits < login.minRsaBits ? 'login.min_rsa_bits' : null;
  return bits < login.minEcBits ? 'login.min_ec_bits' : null;
}
