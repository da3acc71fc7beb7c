// What is said of the login keyring: at pairing, after a login, after a change of password.

/** Asked with echo at pairing, after the PIN: only `yes` (or `y`) is one, and Enter where that is the usual answer. */
export function keyringConsent(usual: boolean): string {
  const what = usual
    ? 'open what needs your password at login (keyring, wallet, mounts)'
    : 'open your login keyring';
  const how = usual ? 'Press Enter for yes, or type no' : 'Type yes, or press Enter for no';
  return `Should this card ${what} too? Your password is then kept on this computer, sealed to the card. ${how}: `;
}

/** What is said about the keyring, after a login and elsewhere. */
export const keyringText = {
  enabled: 'From now on a login with this card opens your keyring.',
  'card-cannot':
    'This card cannot open your keyring: it does not open what is sealed to its key. The card is paired all the same.',
  'not-kept': 'The card is paired, but it does not open your keyring yet. Try again: sc_auth keyring enable',
  locked:
    'Your keyring stays locked: this card did not open it. If that happens again, set it up anew: sc_auth keyring enable',
  'old-password':
    'Your password has changed since this card was set up for your keyring. If the keyring stays locked, run: sc_auth keyring enable',
  resealed: 'Your card opens the keyring with the new password.',
  'not-resealed':
    'Your card does not know the new password yet. So that it opens your keyring, run: sc_auth keyring enable',
};
