// Which of a card's secrets are still the factory's. They are printed in manuals: with the PUK whoever finds the card sets a
// new PIN, with the PIN they need not even that.

/** true: the factory's; false: somebody has set it; null: the card does not tell. */
export interface FactorySecrets {
  readonly pin: boolean | null;
  readonly puk: boolean | null;
  readonly managementKey: boolean | null;
}

export const UNKNOWN_SECRETS: FactorySecrets = { pin: null, puk: null, managementKey: null };

/** What opens a login to a finder. The management key makes other keys, and no pairing knows those. */
export function opensToFinder({ pin, puk }: FactorySecrets): boolean {
  return pin === true || puk === true;
}
