// What is said while a card is set up (sc_auth setup), and why one cannot be.

import type { WeakPin } from '../model/card/issuing.ts';

export const WEAK_PIN: Readonly<Record<WeakPin, string>> = {
  'too-short': 'That is too short: use 6 to 8 digits.',
  factory: "That is the factory's PIN, which everybody knows. Choose another one.",
  'few-characters': 'That has too few different digits. Choose another one.',
  ladder: 'Digits in a row are tried first. Choose another one.',
};

/** Before the first question. */
export function settingUpText(reader: string, firmware: string, begun: boolean): string {
  return `${begun ? 'Finishing the setup of' : 'Setting up'} the card in '${reader}' (firmware ${firmware}).`;
}

/** The PUK stands behind it. */
export const PUK_TEXT =
  'Keep this PUK, and not with the card: it gives a new PIN when the PIN is blocked. PUK: ';
export const PUK_STAYS = "The PUK of this card is not the factory's any more; it stays as it is.";
export const WORKING = 'The card makes its keys. Leave it in.';
export const TOUCH_NOW = 'Touch the card when it blinks.';
export const PIN_IS_SET = "The PIN of this card is not the factory's. Type the one that it has.";
export const TOO_SIMPLE = 'The card finds this PIN too simple. Choose another one.';
export const SECRETS_ARE_OWN = "The PIN and the PUK of this card are not the factory's.";
export const NOT_PAIRED_YET = 'The card is set up, and not paired. To pair it: sc_auth pair';

/** Each is said behind "This card cannot be set up: ". */
export const CANNOT_SET_UP = {
  driver: (driver: string) => `its driver (${driver}) sets no cards up. Use the program of the card's maker`,
  instructions:
    "it does not have Yubico's instructions (as YubiKey, Nitrokey 3 and Token2 have). Use the program of the card's maker",
  pinPad: 'its PIN is typed on the reader. Put it into a reader without keys',
  inUse: (places: readonly string[]) =>
    `${places.join(', ')} ${places.length === 1 ? 'is' : 'are'} in use. Take another card; ykman piv reset would delete all keys of this one`,
  tries: (secret: 'PIN' | 'PUK', left: number, total: number) =>
    `${left} of ${total} tries of its ${secret} are left. ${secret === 'PIN' ? 'Check the PIN first: sc_auth verifypin' : 'Take another card'}`,
  paired: 'a key of it is paired with an account',
  attestation: (why: string, rule: string) =>
    `this machine would not pair it: ${why} (${rule}). Set it up with --pin-policy and --touch-policy as your administrator wants them`,
} as const;

export const SEVERAL_CARDS = 'several cards are in: say which with --reader NAME (sc_auth list-smartcards)';
export const NO_SUCH_READER = 'no card is in a reader of this name (sc_auth list-smartcards)';

/** What the command itself says. */
export const setup = {
  done: 'The card is set up.',
  sealed: (path: string) => `Its PUK is sealed for the officer: ${path}`,
  requested: (path: string) =>
    `Give ${path} to your certificate authority. With what it makes of it: sc_auth import-certificate --certificate FILE`,
  spare: 'With a spare card you get in when this one is lost: put another in and run sc_auth setup again.',
  imported: (hash: string) => `The certificate is on the card. To pair its key: sc_auth pair -h ${hash}`,
  whichCertificate: 'Say which certificate: sc_auth import-certificate --certificate FILE',
  otherAccount: 'Cards of others are for the administrator: sudo sc_auth setup -u USER',
  noSuchCard: 'There is no such card. The cards and their readers: sc_auth list-smartcards -v',
  several: 'Several cards are in. Say which: --reader NAME (sc_auth list-smartcards -v)',
  choose: (count: number) => `Set up which one? 1-${count}, Enter = none: `,
  cancelled: 'Cancelled. Nothing was changed.',
  pukFileAlone: '--puk-file and --desk-file are where --escrow puts what is sealed. Give it too.',
  ownSecrets: 'Change them now? y or n, Enter = yes: ',
};

/** Of the officer's certificate. */
export const escrow = {
  ended: (day: string) => `The officer's certificate ended on ${day}. Ask for a new one.`,
  notYet: (day: string) => `The officer's certificate begins on ${day}. Is the clock right?`,
  unfit: "Nothing can be sealed to the officer's certificate: it is not for encryption. Ask for another one.",
};

/** Of a file that is to be written. */
export const newFile = {
  exists: (path: string) => `${path} is there already. Name another file.`,
  unwritable: (path: string, code: string) => `${path} cannot be written (${code}). Name another file.`,
};
