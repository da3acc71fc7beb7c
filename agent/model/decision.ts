// The outcome of a request. `granted` cannot be built without a VerifiedProof; reasons are closed sets.

import { AgentError } from '../base/errors.ts';
import { VerifiedProof } from './proof.ts';
import type { Pairing } from './pairing.ts';
import type { Username } from './request.ts';

/** The card was tried and the answer is no. */
export type DenyReason =
  | 'wrong-pin'
  | 'pin-blocked'
  | 'pin-reserve'
  | 'bad-proof'
  | 'card-suspect'
  /** The pairing keeps the card's own key, and the driver that reads the card now cannot ask for it. */
  | 'card-unchecked'
  /** The key, or its card, was said to be lost. */
  | 'card-lost'
  /** The PIN or the PUK is the factory's, and nobody had looked at the card when it was paired. */
  | 'factory-secrets'
  | 'key-conflict'
  | 'service-not-allowed'
  | 'remote-not-allowed'
  | 'cards-not-allowed'
  | 'peer-not-allowed'
  | 'contactless-not-allowed'
  | 'certificate-not-trusted'
  | 'changed-meanwhile'
  /** Enforcement: the account phase of a login without a card. */
  | 'card-required';

/** The card has no say: the next module in the stack gets its turn. */
export type UnavailableReason =
  | 'no-user'
  | 'no-card'
  | 'no-pairing'
  | 'other-card'
  | 'no-service'
  | 'not-authorised'
  | 'password-instead'
  | 'card-removed'
  | 'card-changed'
  | 'card-busy'
  | 'card-timeout'
  | 'card-fault'
  | 'module-fault'
  | 'pin-expired'
  | 'pin-not-set'
  /** The card does not take what was typed as a PIN. */
  | 'pin-unfit'
  | 'pin-timeout'
  | 'touch-timeout'
  | 'store-unreadable'
  /** No record, no grant: the audit log cannot be written (full disk, read-only file system, another scauthd). */
  | 'not-recorded'
  | 'store-newer'
  | 'internal';

/** Where a decision was made for the person, the sentence that tells them what to do next. */
export type AuthDecision =
  | {
      readonly kind: 'granted';
      readonly proof: VerifiedProof;
      readonly pairing: Pairing;
      readonly user: Username;
    }
  | { readonly kind: 'retry'; readonly triesLeft: number | null }
  | { readonly kind: 'denied'; readonly reason: DenyReason }
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason }
  | { readonly kind: 'cancelled' };

export type GrantedDecision = Extract<AuthDecision, { kind: 'granted' }>;

/** What a request starts as, before anything is known. */
export const refusedByDefault: AuthDecision = { kind: 'unavailable', reason: 'internal' };

/**
 * The one place that says yes.
 * @throws AgentError `bad-proof` when the proof is not genuine or is by another key than the pairing's
 */
export function grant(proof: VerifiedProof, pairing: Pairing): AuthDecision {
  if (!VerifiedProof.isGenuine(proof)) throw new AgentError('bad-proof', { detail: 'not a verified proof' });
  if (pairing.publicKey?.spki.equals(proof.key.spki) !== true) {
    throw new AgentError('bad-proof', { detail: 'the proof is by another key than the pairing names' });
  }
  return { kind: 'granted', proof, pairing, user: pairing.user };
}
