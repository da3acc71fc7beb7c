// What the administrator's page in Cockpit says (agent/console). `…` stands for a value from outside, which the page puts there
// as an element of its own.

export const NAMES = {
  page: 'Smart cards',
  cards: 'Cards',
  people: 'People',
  'way-in': 'Way in',
  policy: 'Policy',
  log: 'Log',
} as const;

export const GONE = 'scauthd does not answer.';
export const FAILED = 'scauthd gave an answer that this page does not understand. Load the page again.';
export const NOT_YOURS = 'Only an administrator may do this. Turn on administrative access in Cockpit.';
export const UNKNOWN_METHOD =
  'This scauthd is older than the page and cannot do this. Update the package scauth.';

export const STATE = {
  asking: 'Asking scauthd …',
  gone: 'scauthd does not answer. What you see is what it said last. The page goes on by itself when it is back; to start it: systemctl start scauthd',
};

export const COPY = {
  short: 'Copy',
  button: (what: string) => `Copy ${what}`,
  done: 'Copied',
  failed: 'Your browser did not allow it: select the text instead',
};

export const CARDS = {
  pin: 'PIN',
  puk: 'PUK',
  todo: 'What to do',
  noKey: 'There is no key on this card.',
  otherKeys: (count: number) =>
    count === 1 ? '1 key that is not for logins' : `${count} keys that are not for logins`,
  nobodys: 'nobody’s yet',
  more: (count: number) => `and ${count} more`,
  pairedWith: 'paired with',
  issuedBy: 'issued by …',
  hash: 'the hash of this key',
  factory: 'factory secrets',
  count: (count: number) => (count === 1 ? '1 card is in a reader' : `${count} cards are in readers`),
  trust: new Map([
    ['YES', { text: 'trusted', look: 'good' }],
    ['NO', { text: 'not trusted', look: 'bad' }],
  ]),
  noReader: {
    title: 'No card reader is connected',
    next: 'Connect a reader, or put in a key that is its own reader (a YubiKey). It shows here at once.',
  },
  /** By what scauthd says of a reader. */
  readers: new Map([
    ['empty', { title: 'Empty reader', next: 'Put a card in. It shows here at once.' }],
    ['reading', { title: 'Reading the card …', next: 'Leave the card in.' }],
    ['ready', { title: 'Reading the card …', next: 'Leave the card in.' }],
    [
      'unknown',
      {
        title: 'Unknown card',
        next: 'No driver knows this card. It may need OpenSC (apt install opensc-pkcs11) or a driver of its maker.',
      },
    ],
    [
      'mute',
      {
        title: 'No answer',
        next: 'The card does not answer. Put it in the right way round, or clean its contacts.',
      },
    ],
    ['broken', { title: 'Unreadable card', next: 'Take the card out and put it in again.' }],
  ]),
};
