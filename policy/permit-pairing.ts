// Whether a key on a card is fit to be paired, and who may pair it. Pure; the clock is passed in.

import type { KeyAlgorithm } from '../agent/model/key/key.ts';
import type { Identity } from '../agent/model/card/token.ts';
import { refusesKey } from './permit-key.ts';
import type { Policy, SettingName } from './policy.ts';

/** Only keys that were made for logins are paired. */
export function fitsLogin({ use }: Pick<Identity, 'use'>): boolean {
  return use === 'authentication';
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
