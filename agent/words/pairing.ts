// What is said while a card is paired, and why a card or key cannot be.

import type { KeyUse } from '../model/card/token.ts';

const PAIRING = 'Pairing ';
const ACCOUNT_PASSWORD = 'Account password of ';

export function pairingText(identityLabel: string, user: string): string {
  return `${PAIRING}'${identityLabel}' with the account ${user}.`;
}

/** A new card takes the place of an old one, or stands beside it. */
export function renewalText(next: string, old: string, user: string, keep: boolean): string {
  const before = old === '' ? 'the card that is paired' : `'${old}'`;
  return `'${next}' ${keep ? 'goes with' : 'takes the place of'} ${before} for the account ${user}.`;
}

export const SEVERAL_TO_RENEW = 'several cards are paired, so name one: --old HASH (sc_auth list)';

/** The seal is made of the password, which nobody was asked for. */
export const KEYRING_LATER = 'The new card does not open your login keyring yet: sc_auth keyring enable';

export function accountPasswordPrompt(user: string): string {
  return `${ACCOUNT_PASSWORD}${user}: `;
}

/** For dialogs, which say these in their own way. */
export function isPairingText(text: string): boolean {
  return text.startsWith(PAIRING);
}

export function isAccountPasswordPrompt(text: string): boolean {
  return text.startsWith(ACCOUNT_PASSWORD);
}

/** Why a key cannot be paired; null: it can. */
export const UNFIT_USE: Readonly<Record<KeyUse, string | null>> = {
  authentication: null,
  signature: 'This key is for signing documents; it is never used for login.',
  'key-management': 'This key is for decryption; it cannot sign a login.',
  'card-authentication': 'This key needs no PIN, so it is not enough for a login.',
  retired: 'This key is retired.',
};

/** Why a card cannot be paired, for the dialog. */
export const UNFIT_CARD = {
  contactless:
    'Cards are not used through a contactless reader here. Put the card into a reader with contacts.',
  noKey: 'It has no key for login. Whoever gave you the card can put one on it.',
  isNew: 'It has no key for login yet. To make a login of a new card: sc_auth setup',
  oneCard: 'You have already paired a card, and each user may have one here. Unpair that one first.',
  weak: 'Its key is weaker than this machine allows. Ask for a card with a newer key.',
} as const;

export function tooWeak(rule: string): string {
  return `it is weaker than this machine allows (${rule})`;
}
