// Whether a request may try a card at all. Pure: no I/O, no clock.

import type { DenyReason } from '../agent/model/decision.ts';
import { isRemoteHost } from '../agent/model/request.ts';
import type { SessionPlace } from '../agent/model/peer-session.ts';
import type { Policy, Rule } from './policy.ts';
import { isListed } from './services.ts';

export type { SessionPlace };

export interface AttemptFacts {
  readonly service: string;
  readonly rhost: string | null;
  /** Where the peer's process belongs, by the kernel and logind; without it nobody has asked yet. */
  readonly session?: SessionPlace;
  readonly peerUid: number;
  /** The uid of the user that is asked for; null when there is no such account (root peers are not looked up). */
  readonly userUid: number | null;
}

/** `rule` names the setting that decided, for the audit log and for explanations. */
export type Permission =
  | { readonly permitted: true; readonly rule: Rule }
  | { readonly permitted: false; readonly rule: Rule; readonly reason: DenyReason };

function refuse(rule: Rule, reason: DenyReason): Permission {
  return { permitted: false, rule, reason };
}

/** The session's word or PAM_RHOST: either is enough to be from another host, for certain. */
export function isRemote(facts: Pick<AttemptFacts, 'rhost' | 'session'>): boolean {
  return isRemoteHost(facts.rhost) || facts.session === 'remote';
}

/**
 * Whether this may be somebody who does not sit at the machine. In doubt it is: where logind runs, it has to vouch for
 * the seat. A service that names a host serves the network, also where the host is this one (`ssh localhost`, from a
 * session that is remote itself). Where there is no logind, PAM_RHOST is all there is.
 */
export function mayBeElsewhere(facts: Pick<AttemptFacts, 'rhost' | 'session'>): boolean {
  const servesNetwork = facts.session === 'none' && facts.rhost !== null && facts.rhost !== '';
  return isRemote(facts) || facts.session === 'unclear' || servesNetwork;
}

/**
 * Decides from who asks, for which service and from where. The first rule that refuses wins.
 * A relay that runs as root may ask for anybody; any other only for the user that it runs as.
 */
export function permitAttempt(policy: Policy, facts: AttemptFacts): Permission {
  if (facts.peerUid !== 0 && facts.userUid !== facts.peerUid) return refuse('peer', 'peer-not-allowed');
  if (!policy.login.cardsAllowed) return refuse('login.cards_allowed', 'cards-not-allowed');
  if (!isListed(policy.login.services, facts.service)) {
    return refuse('login.services', 'service-not-allowed');
  }
  if (mayBeElsewhere(facts) && !policy.login.remote) return refuse('login.remote', 'remote-not-allowed');
  return { permitted: true, rule: 'login.services' };
}
