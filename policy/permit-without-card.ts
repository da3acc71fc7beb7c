// Enforcement: whether an account may get in without its card. Pure; the clock and the state are passed in.
// It starts from "no" for whoever enforcement covers, and names the rule that lets somebody in.

import { isListed, isRemote, type AttemptFacts } from './permit-attempt.ts';
import type { Policy } from './policy.ts';

/** What `sc_auth enforce` has set. */
export type EnforcementState =
  | { readonly kind: 'off' }
  /** On until `untilMs`, unless it is confirmed. */
  | { readonly kind: 'trial'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly kind: 'on'; readonly sinceMs: number };

export interface EntryFacts extends AttemptFacts {
  readonly isRoot: boolean;
  /** A console of this machine itself: no pseudo-terminal, no display. */
  readonly onConsole: boolean;
  readonly inExemptGroup: boolean;
  /** End of the account's exemption; null when it has none. */
  readonly exemptUntilMs: number | null;
  readonly hasPairing: boolean;
  /** The card was used in this very login. */
  readonly usedCard: boolean;
}

/** `loud`: somebody got in by an exception, and the audit log says so. */
export interface EntryPermission {
  readonly permitted: boolean;
  readonly rule: string;
  readonly loud: boolean;
}

/** A trial that was not confirmed in time is off, whether or not anybody has noted it yet. */
export function isEnforced(state: EnforcementState, nowMs: number): boolean {
  return state.kind === 'on' || (state.kind === 'trial' && nowMs < state.untilMs);
}

function permit(rule: string, loud = false): EntryPermission {
  return { permitted: true, rule, loud };
}

/** The account phase of a login. The first rule that lets in wins; without one a card is required. */
export function permitWithoutCard(
  policy: Policy,
  state: EnforcementState,
  facts: EntryFacts,
  nowMs: number,
): EntryPermission {
  const { enforcement } = policy;
  if (!isEnforced(state, nowMs)) return permit('enforce off');
  if (facts.usedCard) return permit('card');
  if (!policy.cardsAllowed) return permit('login.cards_allowed');
  if (!isListed(policy.services, facts.service)) return permit('login.services');
  if (!isListed(enforcement.services, facts.service)) return permit('enforcement.services');
  const remote = isRemote(facts);
  if (facts.isRoot && facts.onConsole && !remote) return permit('root on a console', true);
  if (remote && !enforcement.remote) return permit('enforcement.remote');
  if (facts.inExemptGroup) return permit('enforcement.exempt_group', true);
  if (facts.exemptUntilMs !== null && nowMs < facts.exemptUntilMs) return permit('exemption', true);
  if (!facts.hasPairing && enforcement.allowUnpairedUsers) return permit('enforcement.allow_unpaired_users');
  return { permitted: false, rule: 'enforce on', loud: false };
}

/** What `enforce plan` knows of an account. */
export interface AccountStanding {
  readonly user: string;
  readonly isRoot: boolean;
  readonly hasPairing: boolean;
  /** null: never, as far as anybody remembers. */
  readonly lastCardLoginMs: number | null;
  readonly inExemptGroup: boolean;
  readonly exemptUntilMs: number | null;
}

/** Why an account would stay in, as a setting or a fact; null: it would be shut out. */
export function keptInBy(policy: Policy, account: AccountStanding, nowMs: number): string | null {
  if (account.isRoot) return 'root on a console';
  if (account.inExemptGroup) return 'enforcement.exempt_group';
  if (account.exemptUntilMs !== null && nowMs < account.exemptUntilMs) return 'exemption';
  if (!account.hasPairing)
    return policy.enforcement.allowUnpairedUsers ? 'enforcement.allow_unpaired_users' : null;
  // A pairing that was never used may be a card that is lost, or a PIN that nobody knows.
  return account.lastCardLoginMs === null ? null : 'card';
}
