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
export const UNKNOWN_METHOD = (needed: string) =>
  `This scauthd is older than the page and cannot do this: it needs scauth ${needed} or later. Update the package scauth, and restart scauthd.`;

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
  chain: (count: number) => (count === 1 ? 'Chain: this certificate alone' : `Chain: ${count} certificates`),
  authority: 'trusted authority',
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

export const ASK = { cancel: 'Cancel', close: 'Close' };

export const PEOPLE = {
  search: 'Search for a name',
  filter: 'Which accounts',
  filters: {
    all: 'All accounts',
    cards: 'With a card',
    one: 'With one card only',
    none: 'Without a card',
    exempt: 'Exempt from the card',
    out: 'Shut out where a card is required',
    free: 'Free of the card by a setting',
  },
  count: (found: number, all: number) => (found === all ? `${all} accounts` : `${found} of ${all} accounts`),
  cards: (count: number) => (count === 0 ? 'no card' : count === 1 ? '1 card' : `${count} cards`),
  never: 'no card login yet',
  last: (day: string) => `last card login ${day}`,
  exempt: (day: string) => `exempt until ${day}`,
  out: 'no way in if required',
  /** By what keeps the account in. */
  free: new Map([
    ['enforcement.required_groups', 'not required of its groups'],
    ['enforcement.exempt_group', 'exempt by its group'],
    ['enforcement.allow_unpaired_users', 'free while unpaired'],
  ]),
};

export const PERSON = {
  back: 'All people',
  log: 'What has happened',
  way: 'Way in (sudo)',
  wayOpen: 'Nothing is in the way of a login by card.',
  enforcement: new Map([
    ['off', 'No card is required on this machine.'],
    ['trial', 'A card is required, for a trial.'],
    ['on', 'A card is required.'],
  ]),
  removed: {
    title: 'This account is not there',
    next: 'It may have been removed meanwhile. Go back to the list.',
  },
  only: 'only card',
  oneOfSeveral: 'one of several',
  lost: 'lost',
  paired: (day: string) => `paired ${day} by …`,
  keyNotKnown: 'Paired by its hash alone: the key is fixed at the first login.',
  hash: 'the hash of this key',
  noCard: 'No card is paired with this account.',
  pair: 'Pair a card',
  pairYourself: 'To pair a card of your own, which asks for your password and its PIN:',
  unpair: 'Unpair',
  sayLost: 'Say it is lost',
  found: 'Take “lost” back',
  exempt: 'Exempt from the card',
  unexempt: 'End the exemption',
  willUnpair: '… no longer logs … in.',
  willBeLost: '… is refused everywhere from now on, whoever pairs it again.',
  willBeFound: '… is taken again where it is paired.',
  sessions: 'Sessions that it has opened are locked.',
  undoLost: 'Only an administrator can take that back.',
  othersLeft: (count: number) => (count === 1 ? '… has one more card.' : `… has ${count} more cards.`),
  passwordLeft: 'It is the only card of …, who gets in by the password from then on.',
  nothingLeft: 'It is the only card of …, and a card is required: there is no other way in.',
  exemptionLeft: (day: string) => `It is the only card of …, who is exempt from the card until ${day}.`,
  although: 'Also if this shuts the account out',
  willPair: 'From then on whoever has this card and its PIN logs in as ….',
  noPin: 'No PIN is asked for: be sure whose card it is.',
  noKeyToPair: 'No card with another key for logins is in a reader. Put it in and open this again.',
  key: 'Key on a card that is in',
  taken: ' (another account has it)',
  shared: 'Also if another account has this key',
  willExempt: '… needs no card until the end of this day, where one is required.',
  willUnexempt: '… needs the card again at once, where one is required.',
  until: 'Until the end of',
  reason: 'Why (stands in the audit log)',
};

export const NO_SC_AUTH = 'sc_auth could not be run on this machine. Is the package scauth installed?';

export const WAY = {
  title: 'Why does a card log in, or not?',
  about:
    'Goes the way of a login from the PAM file to the card, and stops at the first thing that is wrong. It asks for no PIN and changes nothing.',
  user: 'Account',
  service: 'PAM service',
  explain: 'Go the way',
  ok: 'whole',
  broken: 'broken',
  command: 'the command',
  machine: 'The machine as a whole',
  aboutMachine: 'As sc_auth doctor looks at it. It changes nothing and asks no card.',
  look: 'Look at the machine',
  looking: 'Looking …',
  found: (wrong: number, all: number) =>
    wrong === 0 ? `All ${all} things are as they should be.` : `${wrong} of ${all} things want a look.`,
  good: (count: number) => `${count} that are as they should be`,
  states: new Map([
    ['ok', 'good'],
    ['warning', 'warning'],
    ['broken', 'broken'],
    ['unknown', 'not known'],
  ]),
};
