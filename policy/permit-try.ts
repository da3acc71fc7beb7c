// Whether a PIN may be sent to a card with so many tries left. Pure.

import type { PinState } from '../agent/model/token.ts';
import type { Policy } from './policy.ts';

export type TryPermission = 'permitted' | 'needs-consent' | 'blocked';

/**
 * The last tries (login.try_reserve) are kept for the user to decide about: a wrong guess there blocks the card.
 * A card that does not say how many are left is asked: refusing would lock out cards without a counter.
 */
export function permitTry(policy: Policy, pin: PinState): TryPermission {
  if (pin.triesLeft === null) return 'permitted';
  if (pin.triesLeft <= 0) return 'blocked';
  return pin.triesLeft <= policy.tryReserve ? 'needs-consent' : 'permitted';
}
