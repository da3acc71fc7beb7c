// Whether a PIN may be sent to a card with so many tries left. Pure.

import { USUAL_TRIES, type PinState } from '../agent/model/card/token.ts';
import type { Policy } from './policy.ts';

export type TryPermission = 'permitted' | 'needs-consent' | 'blocked';

/**
 * The last tries (login.try_reserve) are kept for the user to decide about: a wrong guess there blocks the card.
 * A card that does not say how many are left is asked, until wrong PINs are known of: refusing would lock out cards
 * without a counter.
 */
export function permitTry(
  { login: { tryReserve } }: Policy,
  { triesLeft, wrong = 0 }: PinState,
): TryPermission {
  if (triesLeft === null)
    return tryReserve > 0 && wrong > 0 && USUAL_TRIES - wrong <= tryReserve ? 'needs-consent' : 'permitted';
  if (triesLeft <= 0) return 'blocked';
  return triesLeft <= tryReserve ? 'needs-consent' : 'permitted';
}
