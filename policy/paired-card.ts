// What is known of a paired card before it is put in: whether a login would refuse it, by the driver that would read it.
// Pure. Nothing is decided here for a login; it warns, and it stands before changes (`sc_auth enforce plan`, `doctor`).

import type { Policy, Rule } from './policy.ts';

export interface DriverFacts {
  readonly id: string;
  /** Those of the kind `token` cannot ask a card for its own key. */
  readonly kind: 'card' | 'token';
  readonly inUse: boolean;
}

export interface PairedFacts {
  /** The driver by which it was paired; null: made without a card. */
  readonly driver: string | null;
  /** The card's own key (9E), where the pairing keeps it. */
  readonly cardKey: Uint8Array | null;
  readonly lost: boolean;
}

export interface CardRefusal {
  readonly rule: Rule;
  readonly why: string;
}

/** @param drivers in the order in which they are asked whose card it is @returns null: nothing is known against it */
export function refusesPaired(
  { login: { cardCheck } }: Pick<Policy, 'login'>,
  { driver, cardKey, lost }: PairedFacts,
  drivers: readonly DriverFacts[],
): CardRefusal | null {
  if (lost) return { rule: 'sc_auth lost', why: 'it was said to be lost' };
  if (driver === null) return null;
  const at = drivers.findIndex(({ id }) => id === driver);
  const own = drivers[at];
  // Those before it did not want the card when it was paired.
  const readers = own?.inUse === true ? [own] : drivers.slice(at + 1).filter(({ inUse }) => inUse);
  if (readers.length === 0)
    return { rule: 'tokens.disabled', why: `its driver ${driver} is not used, and no driver after it` };
  const asks = cardCheck === 'always' || (cardCheck === 'paired' && cardKey !== null);
  if (asks && readers.every(({ kind }) => kind === 'token'))
    return {
      rule: 'login.card_check',
      why: `it was paired through ${driver}, and ${readers.map(({ id }) => id).join(', ')} cannot ask it for its own key`,
    };
  return null;
}
