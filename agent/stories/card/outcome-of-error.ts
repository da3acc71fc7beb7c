// Failures on the way to a decision: which of them are the card's "no", and which leave the door to the password.

import { asAgentError } from '../../base/errors.ts';
import type { AuthDecision } from '../../model/decision.ts';

/** Never `granted`, whatever was thrown. */
export function decisionOfError(error: unknown): Exclude<AuthDecision, { kind: 'granted' }> {
  const failure = asAgentError(error);
  switch (failure.code) {
    case 'wrong-pin':
      return { kind: 'retry', triesLeft: failure.triesLeft ?? null };
    case 'pin-blocked':
    case 'bad-proof':
    case 'card-suspect':
    case 'card-unchecked':
    case 'card-lost':
    case 'key-conflict':
      return { kind: 'denied', reason: failure.code };
    case 'no-card':
    case 'card-reset':
      return { kind: 'unavailable', reason: 'card-removed' };
    case 'pin-reserve':
    case 'pin-not-yours':
      return { kind: 'denied', reason: 'pin-reserve' };
    case 'pin-malformed':
      return { kind: 'unavailable', reason: 'pin-unfit' };
    case 'no-service':
    case 'not-authorised':
    case 'card-changed':
    case 'card-busy':
    case 'card-timeout':
    case 'card-fault':
    case 'module-fault':
    case 'pin-expired':
    case 'pin-not-set':
    case 'pin-timeout':
    case 'touch-timeout':
    case 'store-unreadable':
    case 'store-newer':
      return { kind: 'unavailable', reason: failure.code };
    case 'contactless':
      return { kind: 'denied', reason: 'contactless-not-allowed' };
    case 'untrusted-certificate':
      return { kind: 'denied', reason: 'certificate-not-trusted' };
    case 'driver-fault':
      return { kind: 'unavailable', reason: 'card-fault' };
    case 'no-identity':
      return { kind: 'unavailable', reason: 'other-card' };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return { kind: 'unavailable', reason: 'internal' };
  }
}
