// What scauth-session says: the dialogs of pairing, notifications, and answers to whoever starts it in a terminal. Names
// of cards and accounts come in made plain (agent/session).

export const TITLE = 'Smart card';

export const BUTTON = {
  pair: '_Pair',
  notNow: '_Not now',
  never: '_Do not show again',
  askAgain: '_Ask again',
  goOn: '_Continue',
  cancel: '_Cancel',
  yes: '_Yes',
  no: '_No',
  close: '_Close',
} as const;

/** What the card is known by; `issuer` may be missing. */
export const CARD_LINE = {
  card: (label: string) => `Card:  ${label}`,
  certificate: (label: string) => `Certificate:  ${label}`,
  issuer: (name: string) => `Issued by:  ${name}`,
  reader: (name: string) => `Reader:  ${name}`,
} as const;

export const OFFER = 'Do you want to log in with this smart card?';
export const SHOW_AGAIN =
  'Show this question again when you insert a card that is not paired?\n\nTo pair later:  sc_auth pair';

export function offerMeaning(user: string): string {
  return `Once it is paired with your account ${user}, the card and its PIN\nopen sudo, the screen lock and the login.`;
}

export type SecretKind = 'password' | 'pin';

export const WHAT_FOR: Readonly<Record<SecretKind, string>> = {
  password:
    'Your account password.\nIt shows that the account is yours: nobody else can pair a card with it.\nIt is not sent to the card.',
  pin: 'The PIN of the card.\nThe card signs with it once, to show that it holds the key.\nOnly the card gets it.',
};

export const SECRET_PROMPT: Readonly<Record<SecretKind | 'other', string>> = {
  password: 'Password:',
  pin: 'PIN:',
  other: 'Answer:',
};

export function stepText(card: string, user: string, number: number, what: string): string {
  return `Pairing ${card} with the account ${user}\n\nStep ${number}:  ${what}`;
}

export const HEADING = {
  paired: 'The smart card is paired',
  notPaired: 'The smart card was not paired',
  unfit: 'This smart card cannot be used for login',
} as const;

export function pairedText(card: string, user: string): string {
  return `${card} and its PIN now log in the account ${user}.`;
}

export function offerWithoutDialog(card: string): string {
  return `${card} is not paired yet. To log in with it, run in a terminal: sc_auth pair`;
}

/** Why there is no dialog, or how it ended. */
export const NO_PAIRING = {
  cardRemoved: 'The card was taken out.',
  noAnswer: 'scauthd does not answer. Its log says why: journalctl -u scauthd',
  noCard: 'There is no card in a reader. Put your card in and try again.',
  own: 'This card is already paired with your account: sc_auth list',
  others: 'This card belongs to somebody else. Put your own card in.',
  noPinentry:
    'There is no pinentry program that can show the dialog. Install one (for example pinentry-gtk2), or pair in a terminal: sc_auth pair',
  notShown: 'The dialog could not be shown here. Pair without it: sc_auth pair',
  noRoom:
    'The terminal is too small for the dialog. Make it larger, or pair without the dialog: sc_auth pair',
  root: 'scauth-session is for the session of a user; root has none.',
} as const;

export function unreachable(socket: string): string {
  return `scauthd cannot be reached at ${socket}. Start it: systemctl start scauthd`;
}
