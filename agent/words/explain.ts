// The sentences of `sc_auth explain`: what is wrong with a link, and what to do. What a login itself says: login.ts.

import type { AgentErrorCode } from '../base/errors.ts';
import type { DenyReason, UnavailableReason } from '../model/decision.ts';
import type { LinkName } from '../model/link.ts';
import { ENABLE_PAM, LOOK_AT_DRIVERS, NEEDS_DRIVER, PAIR_AGAIN, RESTART, RESTART_OR_LOG } from './repairs.ts';

type LoginReason = DenyReason | UnavailableReason;
type Reason = LoginReason | AgentErrorCode;

export const REASONS: Readonly<Record<LoginReason, string> & Partial<Record<Reason, string>>> = {
  'cards-not-allowed': 'Cards are switched off on this machine',
  'service-not-allowed': 'Cards are not used for this service',
  'remote-not-allowed': 'Only a session at this machine may use the card',
  'peer-not-allowed': 'A program may ask only for the account that it runs as',
  'no-service': 'The smart card service (pcscd) cannot be reached',
  'not-authorised': 'The smart card service (pcscd) refuses scauthd',
  'contactless-not-allowed': 'Cards are not used through a contactless reader here',
  'card-suspect': 'The card has not proved that it is the one that was paired: it may be a copy',
  'card-unchecked':
    'scauth cannot confirm that this is the paired card, because its current driver cannot check it',
  'card-lost': 'The card was said to be lost',
  'factory-secrets': "The PIN or the PUK of the card is still the factory's",
  'certificate-not-trusted': 'The certificate on the card is not trusted here',
  'no-pairing': 'No card is paired with the account',
  'other-card': 'The card that is in is not paired with the account',
  'key-conflict': 'The card has another key than the one that is paired, with the same hash',
  'store-unreadable': 'The pairings cannot be read',
  'store-newer': 'The pairings were written by a newer scauth than the one that runs',
  'no-card': 'No card is in a reader',
  'card-reset': 'Another program reset the card',
  'card-changed': 'The card was changed',
  'card-busy': 'Another program is using the card',
  'card-timeout': 'The card does not answer in time',
  'card-fault': 'The card gives invalid answers',
  'driver-fault': "The card's driver failed",
  'pin-blocked': 'The PIN is blocked',
  'wrong-pin': 'The PIN was wrong',
  'pin-reserve': 'The last PIN tries were kept',
  'pin-expired': 'The PIN has expired',
  'pin-not-set': 'The card has no PIN yet',
  'pin-unfit': 'What was typed cannot be a PIN',
  'pin-timeout': 'No PIN was typed on the reader in time',
  'touch-timeout': 'The card was not touched in time',
  'bad-proof': 'The card could not prove the key that it shows',
  'changed-meanwhile': 'Pairings or settings changed during the login',
  'card-required': 'This account must log in with its card',
  'card-removed': 'The card was taken out',
  'module-fault': "The card's PKCS#11 module failed",
  'no-user': 'No account was named',
  'password-instead': 'The person chose the password',
  'not-recorded': 'The audit log could not be written',
  internal: 'scauthd failed',
  'wrong-password': 'The account password was wrong',
  'not-attested': 'The maker does not vouch that the key was made on the card',
  'not-allowed': 'The rules do not allow it',
  contactless: 'Cards are not used through a contactless reader here',
  'untrusted-certificate': 'The certificate on the card is not trusted here',
};

export function reasonText(reason: Reason): string {
  return REASONS[reason] ?? `It failed (${reason})`;
}

const PIV_AGAIN = 'the administrator lets the PIV driver read it again (tokens.disabled, tokens.order)';

/** For a card that login.card_check refuses. @param needsKey it is "always" */
export function cardRemedy(reason: 'card-suspect' | 'card-unchecked', needsKey: boolean): string {
  if (reason === 'card-suspect')
    return `Use the card that was paired. If it was set up anew, pair it again: ${PAIR_AGAIN}.`;
  return needsKey
    ? `Use a PIV card with a 9E key, or ${PIV_AGAIN}, or login.card_check is "paired".`
    : `Pair the card again by the driver that reads it now: ${PAIR_AGAIN}. Or ${PIV_AGAIN}.`;
}

export const REMEDY: Readonly<Record<LinkName, string>> = {
  PAM: ENABLE_PAM,
  socket: RESTART,
  agent: RESTART_OR_LOG,
  policy: 'The administrator can allow it in /etc/scauth/scauth.toml (login.cards_allowed, login.services).',
  session:
    'Log in at the machine itself, and end your sessions from other hosts (loginctl), or the administrator sets login.remote.',
  enforcement: 'Use your card, or ask your administrator: sudo sc_auth enforce status.',
  reader:
    'Is pcscd running (systemctl status pcscd.socket)? Use a reader with contacts, or the administrator sets reader.contactless.',
  card: 'Put your card in the right way round; if it is in, take it out and put it back.',
  driver: NEEDS_DRIVER,
  certificate:
    'Put a key and a certificate for authentication (PIV slot 9A) on the card, or use another card.',
  trust: 'Ask the administrator (trust.level).',
  pairing: 'Pair this card: sc_auth pair. What is paired: sc_auth list. If the table is damaged, restore it.',
  tries: 'Unblock the card with its PUK (sc_auth unblock).',
  proof: 'Try again with the right PIN.',
};

/** For a card that another program has to itself. */
const HELD_REMEDY =
  'End the program that holds the card (for gpg: gpgconf --kill scdaemon), or take the card out and put it back.';

/** Where a driver that may have the key does not work. */
export const DRIVER_FAILS = `If your key is on a card, put it in. Else the driver has to be repaired: ${LOOK_AT_DRIVERS}`;

/** By what is wrong, whichever link it was found at; null: the link's own is right. */
const BY_REASON: Partial<Record<Reason, string>> = {
  'card-busy': HELD_REMEDY,
  'driver-fault': `Try again in a moment. If it stays so: ${LOOK_AT_DRIVERS}`,
  'module-fault': REMEDY.card,
  'card-fault': REMEDY.card,
  'card-timeout': REMEDY.card,
  'card-reset': REMEDY.card,
  'card-changed': REMEDY.card,
  'no-card': REMEDY.card,
  'card-lost':
    'If the card is yours, ask your administrator: sudo sc_auth found. Else bring it to whom it belongs.',
  'pin-expired': 'Set a new PIN (sc_auth changepin), or ask whoever gave you the card.',
  'pin-not-set': "Set a PIN with the card maker's program, or ask whoever gave you the card.",
};

export function remedyOf(reason: Reason, link: LinkName): string {
  return BY_REASON[reason] ?? REMEDY[link];
}

/** @param driver of the card; not every one can unblock */
export function blockedRemedy(canUnblock: boolean): string {
  return canUnblock
    ? REMEDY.tries
    : "Unblock the PIN with the card maker's program, or ask whoever gave you the card.";
}

/** @param isPiv a PIV card has a place for the key that logs in */
export function noKeyRemedy(isPiv: boolean): string {
  return isPiv
    ? REMEDY.certificate
    : 'Put a key and a certificate for authentication on the card, or use another card. Why each key is no login key: sc_auth identities -v.';
}

/** The links that sc_auth looks at itself. What is wrong, and what to do. */
export const socket = {
  silent: (path: string, code: string) => [`Nobody answers at ${path} (${code})`, RESTART_OR_LOG],
  missing: (path: string) => [`${path} is not there: scauthd does not run`, RESTART_OR_LOG],
  forbidden: (path: string) => [
    `${path} may not be opened`,
    'Its folder must be open to all: sudo chmod 755 /run/scauth',
  ],
  other: (path: string, code: string) => [`${path} cannot be opened (${code})`, RESTART_OR_LOG],
} satisfies Readonly<Record<string, (path: string, code: string) => [string, string]>>;

export const AGENT_ANSWERS = 'scauthd answers';

export function passwordOpens(service: string, why: string): string {
  return `On, but a password opens ${service}: ${why}`;
}

export function nothingInTheWay(user: string, service: string): string {
  return `Card login of ${user} for ${service}: nothing is in the way.`;
}

export function whatToDo(remedy: string | null): string {
  return `What to do: ${remedy ?? 'ask your administrator.'}`;
}

/** What the links say that scauthd looks at; a broken one with no reason of its own names its fault here. */
export const found = {
  proof: (prompt: string) => `Nothing is in its way; it takes the PIN (${prompt}), so it was not tried`,
  keyNotFixed: 'the first login stores the whole key',
  allowed: (service: string) => `Cards may be used for ${service}`,
  fromHost: 'From another host',
  elsewhere: (where: string, why: string) => `${where}. ${why}`,
  noReader: 'pcscd knows no reader',
  connectReader: 'Connect a reader; `pcsc_scan` shows whether pcscd sees it.',
  driverKeptOut: (service: string) =>
    `The driver of the card may not run before anybody has logged in (${service})`,
  letDriverRun: (driver: string) => `sudo sc_auth enable-for-login ${driver}`,
  noCardAndFailing: (why: string) => `No card is in a reader, and a driver does not work: ${why}`,
  othersFail: (drivers: string, why: string) => `${drivers}; another driver does not work: ${why}`,
  card: 'A card is in',
  noDriver: 'No driver knows this card',
  mute: 'The card does not answer: it is broken, or put in the wrong way round',
  late: 'The card was not read in time',
  noKey: (notes: string) => `The card has no key for login${notes === '' ? '' : `: ${notes}`}`,
  trusted: 'Nothing refuses the certificate',
  paired: (user: string) => `Paired with ${user}`,
  mapped: (said: string | null) => said ?? 'Its certificate stands for this account ([mapping])',
  sssdRefuses:
    'SSSD was asked whose certificate it is, and it is not for this account as mapping.source wants it',
  askAboutMapping:
    'Ask your administrator: sudo sc_auth map test says what SSSD, and the directory, make of it.',
  lastTries: (triesLeft: string | null) =>
    `${triesLeft === null ? 'The next try may be the last' : `Only ${triesLeft}`}: the login asks for a yes first`,
  triesUnknown: 'The card does not say how many',
  otherSession: (caller: string, asked: string) =>
    `Not looked at: this was asked from a session of ${caller}, not of ${asked}`,
  passwordEnough: (rule: string) => `On, but a password is enough here (${rule})`,
  cardRequired: 'On: a password alone is not enough, the card is required',
};
