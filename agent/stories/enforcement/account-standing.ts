// What enforcement goes by, for one account: its cards, its last login by one of them, its exceptions. No rule is here.

import type { Account, AccountDirectory } from '../../model/account.ts';
import type { Exemption } from '../../model/enforcement.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { Username } from '../../model/request.ts';
import type { EnforcementTable, PairingTable } from '../../store/interface.ts';
import type { AccountStanding } from '../../../policy/permit-without-card.ts';
import type { Policy } from '../../../policy/policy.ts';
import { mapsCards } from '../card/find/mapped-card.ts';

export interface StandingParts {
  readonly policy: () => Policy;
  readonly pairings: PairingTable;
  readonly enforced: EnforcementTable;
  readonly directory: AccountDirectory;
}

export interface Standing extends AccountStanding {
  readonly uid: number;
  readonly pairings: number;
  /** A group of enforcement.required_groups that is not there; null: all are. */
  readonly missingGroup: string | null;
  /** null where there is none; one that has ended is shown too. */
  readonly exemption: Exemption | null;
}

/** What would be so, were it not as it is: for looking before a change. */
export interface Change {
  /** Pairings that go. */
  readonly without?: readonly Pick<Pairing, 'pkhh'>[];
  /** Pairings whose card no login takes now: that it once did is no way in. */
  readonly untaken?: readonly Pick<Pairing, 'pkhh'>[];
  readonly withoutExemption?: boolean;
}

/** @throws AgentError `internal` when the name service fails */
export async function isInExemptGroup(
  user: Username,
  { enforcement }: Policy,
  directory: AccountDirectory,
): Promise<boolean> {
  return enforcement.exemptGroup !== '' && (await directory.isMember(user, enforcement.exemptGroup)) === true;
}

/**
 * Whether it is required of this account, by its groups. A group that is not there binds everybody: it may be a slip of the
 * pen, or a directory that does not answer for the moment.
 * @returns `missing`: that group @throws AgentError `internal` when the name service fails
 */
export async function requiredOf(
  user: Username,
  { enforcement }: Policy,
  directory: AccountDirectory,
): Promise<{ readonly isRequired: boolean; readonly missing: string | null }> {
  let isRequired = enforcement.requiredGroups.length === 0;
  for (const group of enforcement.requiredGroups) {
    const isMember = await directory.isMember(user, group);
    if (isMember === null) return { isRequired: true, missing: group };
    isRequired ||= isMember;
  }
  return { isRequired, missing: null };
}

/** @param cards the account's pairings, where they were read already @throws AgentError `store-unreadable`, `internal` */
export async function standingOf(
  { name, uid }: Account,
  parts: StandingParts,
  { without = [], untaken = [], withoutExemption = false }: Change = {},
  cards: readonly Pick<Pairing, 'pkhh'>[] = parts.pairings.cardsOf(name),
): Promise<Standing> {
  const policy = parts.policy();
  const going = new Set(without.map(({ pkhh }) => pkhh));
  const pairings = cards.filter(({ pkhh }) => !going.has(pkhh));
  const isTaken = (pkhh: string): boolean =>
    pairings.some((pairing) => pairing.pkhh === pkhh) && !untaken.some((one) => one.pkhh === pkhh);
  const logins = parts.enforced
    .cardLogins(name)
    .filter(({ pkhh, mapped }) => isTaken(pkhh) || (mapped && mapsCards(policy)));
  const uses = [...parts.pairings.lastUses(name)].filter(([pkhh]) => isTaken(pkhh)).map(([, atMs]) => atMs);
  const times = [...logins.map(({ atMs }) => atMs), ...uses];
  const exemption = withoutExemption ? null : parts.enforced.exemptionOf(name);
  const { isRequired, missing } = await requiredOf(name, policy, parts.directory);
  return {
    user: name,
    uid,
    isRoot: uid === 0,
    pairings: pairings.length,
    hasCard: pairings.length > 0 || logins.length > 0,
    isBound: pairings.length > 0 || (going.size === 0 && parts.pairings.isBound(name)),
    lastCardLoginMs: times.length === 0 ? null : Math.max(...times),
    inExemptGroup: await isInExemptGroup(name, policy, parts.directory),
    isRequired,
    missingGroup: missing,
    exemptUntilMs: exemption?.untilMs ?? null,
    exemption,
  };
}
