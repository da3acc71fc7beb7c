// Whose the last tries of a card are: root's, those of the accounts that it is paired with, and anybody's where nobody
// has paired it. Others may use a card that is in, but not up: a blocked PIN shuts its owner out.

import type { Accounts } from '../../../model/account.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { Token } from '../../../token/interface.ts';
import type { CertificateUsers } from '../../../sssd/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { findMappedIdentities, mapsCards } from '../find/mapped-card.ts';
import { ownersOf } from '../find/user-of-card.ts';

export interface OwnerParts {
  readonly policy: () => Policy;
  readonly pairings: Pick<PairingTable, 'forKey'>;
  readonly accounts: Pick<Accounts, 'byUid'>;
  readonly trust: CertificateTrust;
  /** Whom SSSD is asked by; absent: nobody. */
  readonly sssd?: CertificateUsers;
}

/** Whether this user may spend the last tries of a card. @throws AgentError `store-unreadable` */
export async function maySpendLast(token: Token, uid: number, parts: OwnerParts): Promise<boolean> {
  if (uid === 0) return true;
  const owners = new Set(token.identities.flatMap(({ publicKey }) => ownersOf(publicKey, parts.pairings)));
  const policy = parts.policy();
  if (owners.size === 0 && !mapsCards(policy)) return true;
  const caller = await parts.accounts.byUid(uid);
  if (caller === null) return false;
  if (owners.size > 0) return owners.has(caller.name);
  // Under [mapping] a card without a pairing may be anybody's whom its certificate, or SSSD, names.
  return (await findMappedIdentities([token], caller, policy, parts)).found.kind === 'found';
}
