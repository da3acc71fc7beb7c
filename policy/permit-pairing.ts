// Whether a key on a card is fit to be paired, and who may pair it. Pure; the clock is passed in.

import type { KeyAlgorithm } from '../agent/model/key.ts';
import type { Identity } from '../agent/model/token.ts';
import { refusesKey } from './permit-key.ts';
import type { Policy, SettingName } from './policy.ts';

/** Why a key cannot be paired, as a sentence; null when it can. */
export function unfitForLogin(identity: Identity): string | null {
  switch (identity.use) {
    case 'authentication':
      return null;
    case 'signature':
      return 'This key is for signing documents; it is never used for login.';
    case 'key-management':
      return 'This key is for decryption; it cannot sign a login.';
    case 'card-authentication':
      return 'This key needs no PIN, so it is not enough for a login.';
    case 'retired':
      return 'This key is retired.';
  }
}

/** Whether a caller may pair a key with `userUid`'s account: root for anybody, users for themselves. */
export function mayPair(policy: Policy, callerUid: number, userUid: number): boolean {
  if (callerUid === 0) return true;
  return policy.pairing.usersMayPair && callerUid === userUid;
}

/**
 * Why a further pairing is refused although the caller may pair: the setting's name; null when none does.
 * @param algorithm null: the key is not known, only its hash
 */
export function refusesPairing(
  policy: Policy,
  algorithm: KeyAlgorithm | null,
  pairingsOfUser: number,
): SettingName | null {
  if (policy.pairing.oneCardPerUser && pairingsOfUser > 0) return 'pairing.one_card_per_user';
  return algorithm === null ? null : refusesKey(policy, algorithm);
}
