// What is said of the login keyring: at pairing, after a login, after a change of password.

import { assertNever } from '../base/assert.ts';

/** Asked with echo at pairing, after the PIN: only `yes` (or `y`) is one, and Enter where that is the usual answer. */
export function keyringConsent(usual: boolean): string {
  const what = usual
    ? 'open what needs your password at login (keyring, wallet, mounts)'
    : 'open your login keyring';
  const how = usual ? 'Press Enter for yes, or type no' : 'Type yes, or press Enter for no';
  return `Should this card ${what} too? Your password is then kept on this computer, sealed to the card. ${how}: `;
}

/** What is said about the keyring, after a login and elsewhere. */
export function keyringText(
  state: 'enabled' | 'card-cannot' | 'not-kept' | 'locked' | 'old-password' | 'resealed' | 'not-resealed',
): string {
  switch (state) {
    case 'enabled':
      return 'From now on a login with this card opens your keyring.';
    case 'card-cannot':
      return 'This card cannot open your keyring: it does not open what is sealed to its key. The card is paired all the same.';
    case 'not-kept':
      return 'The card is paired, but it does not open your keyring yet. Try again: sc_auth keyring enable';
    case 'locked':
      return 'Your keyring stays locked: this card did not open it. If that happens again, set it up anew: sc_auth keyring enable';
    case 'old-password':
      return 'Your password has changed since this card was set up for your keyring. If the keyring stays locked, run: sc_auth keyring enable';
    case 'resealed':
      return 'Your card opens the keyring with the new password.';
    case 'not-resealed':
      return 'Your card does not know the new password yet. So that it opens your keyring, run: sc_auth keyring enable';
    default:
      return assertNever(state);
  }
}
