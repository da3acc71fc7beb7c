// A pairing is looked at again where a person had time to type: what it rests on may have changed meanwhile.

import { sameKey } from '../../../model/key/key.ts';
import type { Pairing } from '../../../model/pairing.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { isMapped } from '../find/mapped-card.ts';

/** @param policy under which the pairing was found @throws AgentError `store-unreadable` */
export function isStillPaired(
  pairing: Pairing,
  policy: Policy,
  parts: { readonly policy: () => Policy; readonly pairings: Pick<PairingTable, 'forUser'> },
): boolean {
  // Nothing is stored that could be looked at again: with any other policy it must begin anew.
  if (isMapped(pairing)) return parts.policy() === policy;
  const now = parts.pairings.forUser(pairing.user).find(({ pkhh }) => pkhh === pairing.pkhh);
  if (now === undefined) return false;
  if (pairing.publicKey === null || now.publicKey === null) return pairing.publicKey === now.publicKey;
  return sameKey(pairing.publicKey, now.publicKey);
}
