// Enforcement: whether an account may get in without its card. Pure; the clock and the state are passed in.
// It starts from "no" for whoever enforcement covers, and names the rule that lets somebody in.

import type { EnforcementState } from '../agent/model/enforcement.ts';
import { isRemote, type AttemptFacts } from './permit-attempt.ts';
import { isListed, isService } from './services.ts';
import type { Policy, Rule } from './policy.ts';

/**
 * How the person got this far in this very login: by the card; they were asked, and it was not the card; or nobody was
 * asked by us (an ssh key, sudo's ticket, a cron job).
 */
export type Asked = 'card' | 'other' | 'nothing';

export interface EntryFacts extends AttemptFacts {
  readonly isRoot: boolean;
  /** A console of this machine itself: no pseudo-terminal, no display. */
  readonly onConsole: boolean;
  readonly inExemptGroup: boolean;
  /** In one of the groups of which it is required; true as well where it is of everybody, and where that is not known. */
  readonly isRequired: boolean;
  /** End of the account's exemption; null when it has none. */
  readonly exemptUntilMs: number | null;
  readonly hasPairing: boolean;
  readonly asked: Asked;
}

/** `loud`: somebody got in by an exception, and the audit log says so. */
export interface EntryPermission {
  readonly permitted: boolean;
  readonly rule: Rule;
  readonly loud: boolean;
}

/**
 * A trial that was not confirmed in time is off, whether or not anybody has noted it yet; so is one that begins in the
 * future: the clock was set back, and it would go on for longer than was meant.
 */
export function isEnforced(state: EnforcementState, nowMs: number): boolean {
  return state.kind === 'on' || (state.kind === 'trial' && state.sinceMs <= nowMs && nowMs < state.untilMs);
}

function permit(rule: Rule, loud = false): EntryPermission {
  return { permitted: true, rule, loud };
}

function refuse(rule: Rule): EntryPermission {
  return { permitted: false, rule, loud: false };
}

/** Here each word more covers more, also beside `*`: the opposite of a list of what is allowed. */
function isCovered(services: readonly string[], service: string): boolean {
  return services.includes('*') || services.includes(service);
}

/** The services in which a card is required while enforcement is on; `*` alone stands for all. */
export function coveredServices({ login, enforcement }: Policy): readonly string[] {
  if (!login.cardsAllowed) return [];
  if (isListed(login.services, '*')) return enforcement.services.includes('*') ? ['*'] : enforcement.services;
  return login.services.filter((service) => isCovered(enforcement.services, service));
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
  // As everywhere: a program that is not root's asks for its own account, and for no other's exceptions.
  if (facts.peerUid !== 0 && facts.userUid !== facts.peerUid) return refuse('peer');
  if (facts.asked === 'card') return permit('card');
  if (!policy.login.cardsAllowed) return permit('login.cards_allowed');
  if (!isListed(policy.login.services, facts.service)) return permit('login.services');
  if (!isCovered(enforcement.services, facts.service)) return permit('enforcement.services');
  const remote = isRemote(facts) || isService(facts.service, 'remote');
  if (facts.asked === 'nothing' && (!remote || isService(facts.service, 'switches')))
    return permit('nobody was asked');
  if (facts.isRoot && facts.onConsole && !remote) return permit('root on a console', true);
  // PAM_RHOST is a program's word (sudo's pam_rhost names this very host): it excuses nobody whom logind sees at a seat.
  const excused = isService(facts.service, 'remote') || (remote && facts.session !== 'local');
  if (excused && !enforcement.remote) return permit('enforcement.remote');
  // root is bound whatever its groups are: its password opens what everybody's card protects.
  if (!facts.isRequired && !facts.isRoot) return permit('enforcement.required_groups');
  if (facts.inExemptGroup) return permit('enforcement.exempt_group', true);
  if (facts.exemptUntilMs !== null && nowMs < facts.exemptUntilMs) return permit('exemption', true);
  if (!facts.hasPairing && enforcement.allowUnpairedUsers) return permit('enforcement.allow_unpaired_users');
  return refuse('enforce on');
}

/** What `enforce plan` knows of an account. */
export interface AccountStanding {
  readonly user: string;
  readonly isRoot: boolean;
  /** A pairing, or a certificate that [mapping] takes for this account and that has logged in. */
  readonly hasCard: boolean;
  /** It has a pairing, or one that does not count now (a stale book): the card's duty stays. */
  readonly isBound: boolean;
  /** By a key that logs in now too. null: never, as far as anybody remembers. */
  readonly lastCardLoginMs: number | null;
  readonly inExemptGroup: boolean;
  readonly isRequired: boolean;
  readonly exemptUntilMs: number | null;
}

/** Why an account would stay in, as a setting or a fact; null: it would be shut out. */
export function keptInBy(policy: Policy, account: AccountStanding, nowMs: number): Rule | null {
  if (account.isRoot) return 'root on a console';
  // Where no card can be used or none is wanted, nobody needs one.
  if (!policy.login.cardsAllowed) return 'login.cards_allowed';
  if (policy.login.services.length === 0) return 'login.services';
  if (policy.enforcement.services.length === 0) return 'enforcement.services';
  if (!account.isRequired) return 'enforcement.required_groups';
  if (account.inExemptGroup) return 'enforcement.exempt_group';
  if (account.exemptUntilMs !== null && nowMs < account.exemptUntilMs) return 'exemption';
  if (!account.hasCard)
    return policy.enforcement.allowUnpairedUsers && !account.isBound
      ? 'enforcement.allow_unpaired_users'
      : null;
  // A pairing that was never used may be a card that is lost, or a PIN that nobody knows.
  return account.lastCardLoginMs === null ? null : 'card';
}
