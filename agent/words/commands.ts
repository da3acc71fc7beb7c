// What the commands of sc_auth answer, by command; enforce, audit, doctor and explain have files of their own. Headings
// and field names of lists stand with their list: scripts and macOS know them.

import { NEEDS_DRIVER, ENABLE_PAM, namedOf } from './repairs.ts';

const RUN_AGAIN = 'Put the card in and run it again.';

export const NO_CARD = `No card is in a reader. ${RUN_AGAIN}`;
export const NO_KEY = `No card with a key is in a reader. ${RUN_AGAIN}`;
export const NO_LOGIN_KEY = 'No key of this card can be used for login. Why: sc_auth identities -v';

/** Cards that are in a reader, and in no list. */
export const unread = {
  unknown: (name: string, atr: string | null) =>
    `In ${name} is a card that no driver knows${atr === null ? '' : ` (ATR ${atr})`}. ${NEEDS_DRIVER}`,
  other: (name: string, why: string) => `In ${name}: ${why.replace(/\.$/, '')}.`,
};

export const identities = {
  paired: 'Paired identities which are used for authentication:',
  unpaired: 'Unpaired identities:',
  unfit: 'Identities that cannot be used for login:',
  pairedWith: (users: readonly string[]) => `paired with ${users.join(', ')}`,
  otherUse: (use: string) => `made for ${use}, not for login`,
};

export const pair = {
  rootSecrets: 'As root nothing secret is asked for: leave out --pin-fd and --password-fd.',
  rootKeyring: 'The keyring needs the password of its user: sc_auth keyring enable, as them.',
  cardNotHere: 'The card is not here: its whole key is stored at the first login with it.',
  otherAccount: 'Other accounts are for the administrator: sudo sc_auth pair -u USER',
  certificate:
    'A certificate without its card is for the administrator: sudo sc_auth pair --certificate FILE',
  sharedAsRoot: '--shared is for the administrator. Leave it out for your own card.',
  onlyFrom: (option: string) => `--${option} belongs to --from.`,
  keyring: 'Say --keyring yes or --keyring no.',
  done: (hash: string, user: string) => `Paired ${hash} with ${user}.`,
  on: (services: readonly string[]) => `Card logins are on: ${services.join(', ')}.`,
  off: (enable: boolean) =>
    `Card logins are off on this machine: no PAM service asks for a card. ${enable ? `Switch them on: ${ENABLE_PAM}` : 'What is missing: sudo sc_auth doctor'}`,
  already: (user: string) => `This card is already paired with ${user}. The pairings: sc_auth list`,
  confirm: 'Pair it? y or n, Enter = yes: ',
  yesOrNo: 'Type y or n.',
  choose: (count: number) => `Which one? 1-${count}, Enter = none: `,
  noSuchNumber: 'That is none of the numbers.',
  cancelled: 'Cancelled. Nothing was paired.',
  spareMeans:
    'A spare is a second card that logs you in like the first. Keep it in another place; when one is lost: sc_auth lost',
  noFirst: 'There is no first card yet, so this would be no spare: sc_auth pair',
  sameCard: 'This key is on a card that is paired already, and would be lost with it. Put another card in.',
  several: 'Several keys can be paired. Say which: -h HASH',
};

export const renew = {
  asRoot:
    'The new card is proved by its owner: run it as them. As root: sc_auth pair -u USER, then sc_auth unpair -u USER -h HASH',
  done: (hash: string, user: string) => `${hash} logs ${user} in from now on.`,
  removed: (hash: string) => `${hash} does no longer.`,
  kept: 'The old card goes on to log in: sc_auth unpair takes it back.',
  rehearse: 'Rehearse a login with it: sc_auth test',
};

export const unpair = {
  forWhom: 'Say for whom: -u USER',
  behindSudo: (user: string) => `For ${user}, who called sudo.`,
  none: 'There is no such pairing. To list the pairings: sc_auth list',
  confirm: 'Unpair it? y or n, Enter = no: ',
  choose: (count: number) => `Unpair which one? 1-${count} or all, Enter = none: `,
  noAnswer: 'Type one of these words, or press Enter.',
  cancelled: 'Cancelled. Nothing was unpaired.',
  notBoth: 'Give -h or --all, not both.',
  done: (hash: string, user: string) => `Unpaired ${hash} from ${user}.`,
  more: (count: number) => `And ${count} more.`,
};

export const list = {
  lost: 'Lost: nothing takes it. More: sc_auth lost',
  ofBook: (number: number, officerKey: string, notAfter: string) =>
    `record ${number} of the pairing book, by the key ${officerKey.slice(0, 16)}, until ${notAfter.slice(0, 10)}`,
  keyNotSeen: 'not seen yet: stored at the first login with the card',
  none: (user: string) => `No card is paired with ${user}. To pair one: sc_auth pair`,
  noneAtAll: 'No card is paired with anybody here. To pair one: sudo sc_auth pair -u USER',
  domain: 'Only the local domain is there. Leave out -d, or say: sc_auth list -d .',
};

export const pin = {
  verified: 'PIN verified',
  changed: 'PIN changed',
  own: "Neither the PIN nor the PUK of this card is the factory's.",
  factoryAlone: 'Give --factory by itself, with one card in.',
  unblocked: 'PIN unblocked; the card has the new PIN',
  onCommandLine: 'Warning: a PIN on the command line shows in ps. Leave out -p to be asked for the PIN.',
  tooLong: 'The PIN is longer than 512 bytes.',
};

export const keyring = {
  closed: 'does not open the keyring',
  oldPassword: 'was set up with an older password: if the keyring stays locked, run sc_auth keyring enable',
  opens: (since: string) => `opens the keyring (since ${since})`,
  noCard: (user: string) => `No card is paired with ${user}. To pair one: sc_auth pair`,
  notAllowed: 'Not allowed on this machine (keyring.allowed in scauth.toml).',
  noPam: 'No PAM service of this machine opens keyrings: install libpam-gnome-keyring or libpam-kwallet5.',
  ownOnly: "That needs the password of the account, so only the account's user can run it.",
  noneOpened: 'No card opens the keyring. To see which cards do: sc_auth keyring status',
  disabled: (hash: string) => `A login with ${hash} no longer opens the keyring.`,
};

const DECIDED: ReadonlyMap<string, string> = new Map([
  ['policy', "Decided by the administrator's setting pairing.users_may_pair."],
  ['machine', 'Decided for this machine, by sudo sc_auth pairing_ui.'],
  ['user', 'Decided by you, for every card.'],
  ['card', 'Decided by you, for this card.'],
]);

export const pairingUi = {
  state: (enabled: boolean) => `SmartCard Pairing dialog is ${enabled ? 'enabled' : 'disabled'}.`,
  decidedBy: (level: string) => DECIDED.get(level) ?? 'Nobody has decided: it is enabled by default.',
  asYourself: 'The dialog pairs your own card: run it as yourself, without sudo.',
  cannotStart: (program: string) => `${program} cannot be started. Pair in a terminal: sc_auth pair`,
  oneCardAsRoot: 'For one card only a user decides, as themselves: run it without sudo.',
  sayWhich: 'Say which: sc_auth pairing_ui -s enable, -s disable or -s status',
};

export const reader = {
  empty: 'no card',
  reading: 'the card is being read',
  unknown: 'no driver knows this card',
  mute: 'the card does not answer: wipe its contacts, and put it in the right way round',
  broken: 'the card cannot be read',
};

/** Of `sc_auth profile`; the first goes on as macOS has it. */
export const key = {
  valid: (from: string, to: string) => `Valid from: ${from} to: ${to}, SSL trust: `,
  notTrusted: (why: string) => `Not trusted: ${why}`,
  unfit: (why: string) => `Not for login: ${why}`,
};

export const driver = {
  nameOne: 'Name one driver: sc_auth enable-for-login [--disable] DRIVER',
  enabled: (id: string) => `${id} may run before anybody has logged in.`,
  disabled: (id: string) => `${id} does not run before somebody has logged in.`,
  off: 'disabled by tokens.disabled',
};

export const test = {
  good: (user: string, service: string) =>
    `A login of ${user} for ${service} would be granted. Nothing was changed.`,
  bad: (user: string, service: string, why: string) =>
    `A login of ${user} for ${service} would not be granted. ${why}`,
};

/** What `sc_auth test` knows of the card afterwards, and no more than that. */
export const CARD_LEFT = {
  asked: 'the card says that it is unverified again',
  told: 'the card was told to be unverified again, and obeyed at its first use',
  reset: 'the card was reset, so it is unverified again',
  unknown: 'whether it is unverified again cannot be checked here',
};

export const EXPORT_FORMAT = 'Say --format text, --format json or --format pem; --json is json.';

export const config = {
  good: (folder: string) => `The configuration in ${folder} is good.`,
  bad: (why: string) => `${why}\nNothing of it is in force. Correct it and check again.`,
  correct: (why: string) => `${why}\nCorrect it: sc_auth config check`,
  unknown: (why: string) => `Whom enforcement would shut out is not known: ${why}`,
  shutsOut: (names: readonly string[], count: number): readonly string[] => [
    `WARNING: enforcement is on, and with these settings these accounts are shut out: ${namedOf(names, count)}.`,
    'Exempt them first (sc_auth enforce exempt), or change it back.',
  ],
  closesRemote:
    'WARNING: enforcement is on, and with these settings only exempt accounts get in from another host: enforcement.remote requires a card there, and login.remote allows none.',
};

export const map = {
  sayWhich: 'Say which certificate: sc_auth map test ada.pem',
  unreadable: (why: string) => `The certificate cannot be read (${why}).`,
  noAccount: (user: string) => `There is no account '${user}'.`,
  noSssd: (why: string) =>
    `SSSD gave no answer that could be used (${why}). Does sssd_ifp run (services = …, ifp)?`,
  severalBySssd: 'Several accounts: none of them is taken unless mapping.several is set.',
  off: 'Mapping is off: mapping.attribute is "none". Set it in /etc/scauth/scauth.toml to use certificates.',
  chain: (refused: string | null) =>
    refused === null ? 'Chain: goes to a pinned authority.' : `Chain: refused, ${refused}.`,
  rule: (rule: string | null) =>
    rule === null ? 'Rule: none fits, or a field is missing or there twice.' : `Rule: ${rule}`,
  account: (attribute: string, text: string) => `The account whose ${attribute} is '${text}'.`,
  verdict: (user: string, matches: boolean) => `${user}: ${matches ? 'yes' : 'no'}.`,
  nobody: 'The certificate stands for nobody here.',
};
