// Every sentence of a login, each with the next step. This folder is the one room for what people read (prompts, answers,
// errors, findings), so that one voice speaks. Lines for the log, details of errors and help texts do not belong here.

import { createHash } from 'node:crypto';
import type { DenyReason, UnavailableReason } from '../model/decision.ts';
import type { TouchPolicy } from '../model/card/token.ts';
import { CARD_LOST } from './lost.ts';

/** Bytes of a text that a relay takes (PROTOCOL.md, 1.1). */
const MAX_TEXT_BYTES = 512;

/** `text` cut to so many bytes of UTF-8, at a character. */
function fitted(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  let cut = '';
  for (const character of text) {
    if (Buffer.byteLength(cut + character) > maxBytes - Buffer.byteLength('…')) break;
    cut += character;
  }
  return `${cut}…`;
}

/** No longer than a relay takes; what is cut is told apart by a few digits of its hash, so that nobody passes for another. */
function fittedLabel(label: string): string {
  if (Buffer.byteLength(label) <= 300) return label;
  const mark = createHash('sha256').update(label).digest('hex').slice(0, 8);
  return `${fitted(label, 300 - mark.length - 1)} ${mark}`;
}

const fittedReader = (reader: string): string => fitted(reader, 100);

/** Some lockers show the prompt and nothing else, so a key that always wants a touch says so there. */
function andTouch(touch: TouchPolicy | null, what = 'the card'): string {
  return touch === 'always' ? `, then touch ${what}` : '';
}

/** While a card is waited for (`login.wait`); the second where nobody can press Enter. */
export function insertCardText(): { readonly text: string; readonly plain: string } {
  return { text: 'Insert your card, or press Enter for your password.', plain: 'Insert your card.' };
}

/** `form-or-password`: Enter asks for the password, and only the prompt can say so. */
export type PinWords = 'sentence' | 'form' | 'form-or-password';

/** At most 60 columns where the name allows; what a terminal is too narrow for is said shorter (DECISIONS.md D242). */
export function pinPrompt(
  name: string,
  touch: TouchPolicy | null = null,
  words: PinWords = 'sentence',
): string {
  if (words === 'sentence') return `Enter PIN for '${fittedLabel(name)}'${andTouch(touch)}: `;
  const enter = words === 'form' ? '' : ' (Enter: password)';
  return `PIN of '${fittedLabel(name)}'${andTouch(touch, 'it')}${enter}: `;
}

/**
 * What a prompt asks, as a message for programs that show no prompt.
 * @param error what was told last, which this one may cover; null: nothing
 */
export function promptAsMessage(error: string | null, prompt: string): string {
  const asked = prompt.replace(/[:\s]+$/, '.');
  return fitted(error === null ? asked : `${error} ${asked}`, MAX_TEXT_BYTES);
}

/** There, where the password's own prompt is not shown either. */
export const NOW_YOUR_PASSWORD = 'Now your password.';

/** Before the first PIN prompts of an account, until it has logged in by card. */
export const ENTER_MEANS_PASSWORD = 'Enter on an empty line asks for your password instead.';

/** A message, for a reader with a PIN pad. */
export function readerPinText(reader: string, identityLabel: string, touch: TouchPolicy | null): string {
  return `Enter PIN on the reader '${fittedReader(reader)}' for '${fittedLabel(identityLabel)}'${andTouch(touch)}`;
}

/** The same as a prompt: the pad is switched on when it is answered. */
export function readerPinPrompt(reader: string, identityLabel: string, touch: TouchPolicy | null): string {
  return `Press Enter. ${readerPinText(reader, identityLabel, touch)}: `;
}

/** Of a reader with a PIN pad: the pad is used for entering a PIN, not for setting one. */
export const PIN_NOT_CHANGED_ON_READER =
  "The PIN of this card is typed on the reader, and scauth cannot set a new one there. Put the card into a reader without keys, or use the card maker's program.";

/** Said before the card is asked to sign, which is when it blinks. */
export function touchText(touch: TouchPolicy | null): string | null {
  switch (touch) {
    case 'always':
      return 'Touch the card when it blinks.';
    case 'cached':
      return 'Touch the card if it blinks.';
    case 'never':
    case null:
      return null;
  }
}

/** Several of the user's cards are in, one line each. */
export function cardPrompt(lines: readonly string[]): string {
  const head = 'Which card?\n';
  const foot = 'Type a number, or press Enter for 1: ';
  const room = Math.floor((MAX_TEXT_BYTES - head.length - foot.length) / Math.max(1, lines.length));
  const list = lines.map((line, index) => `${fitted(`  ${index + 1} ${line}`, room - 1)}\n`);
  return `${head}${list.join('')}${foot}`;
}

export function newPinPrompt(identityLabel: string): string {
  return `Enter new PIN for '${fittedLabel(identityLabel)}': `;
}

/** At a login, in one prompt: some lockers show nothing else. Only `yes` goes on. */
export function unblockPrompt(passwordFollows: boolean, hasDesk: boolean): string {
  const enter = passwordFollows ? 'Enter for your password' : 'Enter to stop';
  const desk = hasDesk ? 'desk for one by your help desk, ' : '';
  return `PIN blocked. Type yes for a new one by the PUK, ${desk}or ${enter}: `;
}

export const UNBLOCKED = 'The card has the new PIN.';

export const NEW_PIN_AGAIN = 'Enter new PIN again: ';
export const NEW_PIN_DIFFERS = 'The two are not the same. Type the new PIN once more.';
export const NEW_PIN_IS_OLD = 'That is the PIN that the card has now. Choose another one.';
export const NEW_PIN_NO_DIGITS =
  'On this machine a PIN has digits alone (login.pin_digits). Choose another one.';
export const NEW_PIN_UNFIT =
  'The card does not take that as a PIN: most want 6 to 8 digits. Choose another one.';

export function pukPrompt(identityLabel: string): string {
  return `Enter PUK for '${fittedLabel(identityLabel)}': `;
}

/** The PAM module and scauthd are of versions too far apart. */
export const NEEDS_UPDATE = 'Card login needs an update. Use your password.';

const BLOCKED =
  'The PIN is blocked. Use your password, then unblock the card with its PUK (sc_auth unblock).';

/** Enforcement: what is said with a refusal, and before the password that will not do. */
export const CARD_REQUIRED = 'This account needs its card. Put the card in and try again.';

/** The card may well be the right one; whoever could choose the driver could else choose one that does not ask. */
const CARD_UNCHECKED =
  'scauth cannot confirm that this is your paired card, because its current driver cannot check it. No PIN was sent. Use your password, then pair the card again (sc_auth unpair, sc_auth pair), or let the PIV driver read it (sc_auth explain).';

/** For a login prompt without a user name, when the cards that are in belong to several. */
export function userPrompt(users: readonly string[]): string {
  const list = users.map((user, index) => `${index + 1} ${user}`).join(', ');
  return `This card is paired with ${list}. Type a number, or press Enter for a user name: `;
}

/** For a certificate that ends soon, or has ended and is still let in. */
export function expiryText(endMs: number, nowMs: number): string {
  const day = new Date(endMs).toISOString().slice(0, 10);
  const days = Math.floor((endMs - nowMs) / (24 * 60 * 60 * 1000));
  if (endMs < nowMs) return `The certificate on your card ended on ${day}. Get a new one for it.`;
  const when = days === 0 ? 'in less than a day' : days === 1 ? 'in 1 day' : `in ${days} days`;
  return `The certificate on your card ends ${when} (${day}). Get a new one for it before then.`;
}

const FACTORY_SECRETS =
  "The PIN or the PUK of this card is still the factory's, so it opens nothing here. Use your password, change both (sc_auth changepin --factory), and put the card in again.";

const DENIED: Readonly<Record<DenyReason, string | null>> = {
  'wrong-pin': null,
  'pin-blocked': BLOCKED,
  'pin-reserve': 'The last PIN tries were kept. Use your password.',
  'bad-proof': 'This card could not prove that it is yours. Use your password, and tell your administrator.',
  'card-suspect':
    'This is not the card that was paired; it may be a copy. No PIN was sent. Use your password, and tell your administrator.',
  'card-unchecked': CARD_UNCHECKED,
  'card-lost': `${CARD_LOST} Use your password.`,
  'factory-secrets': FACTORY_SECRETS,
  'key-conflict':
    'This card has another key than the one that is paired. Use your password, and tell your administrator.',
  'card-required': CARD_REQUIRED,
  'changed-meanwhile':
    'The pairing or the policy was changed while you typed. Use your password, or try again.',
  'contactless-not-allowed':
    'Cards are not used through a contactless reader here. Put the card into a reader with contacts, or use your password.',
  'certificate-not-trusted':
    'The certificate on this card is not trusted here. Use your password, and tell your administrator: the audit log says why.',
  'service-not-allowed': null,
  'remote-not-allowed': null,
  'cards-not-allowed': null,
  'peer-not-allowed': null,
};

/** What the person is told when the card says no; null where another sentence has said it. */
export function deniedText(reason: DenyReason): string | null {
  return DENIED[reason];
}

const UNAVAILABLE: Readonly<Record<UnavailableReason, string | null>> = {
  'no-user': null,
  'no-card': null,
  'no-pairing': null,
  'other-card': null,
  'password-instead': null,
  'no-service': 'The smart card service (pcscd) does not run. Use your password.',
  'not-authorised':
    'The smart card service (pcscd) refused access. Use your password, and tell your administrator.',
  'card-removed': 'The card was taken out. Put it back and try again, or use your password.',
  'card-changed': 'The card was changed, so no PIN was sent. Try again, or use your password.',
  'card-busy': 'Another program is using the card. Try again in a moment, or use your password.',
  'card-timeout': 'The card does not answer. Take it out, put it back and try again, or use your password.',
  'card-fault': 'The card failed. Take it out, put it back and try again, or use your password.',
  'module-fault':
    "The card's PKCS#11 module failed. Take the card out, put it back and try again, or use your password.",
  'pin-expired': 'The PIN of this card has expired. Use your password, then set a new PIN: sc_auth changepin',
  'pin-not-set': 'This card has no PIN yet. Use your password, and ask whoever gave you the card.',
  'pin-unfit':
    'The card does not take this as a PIN. Check how many characters it wants and try again, or use your password.',
  'pin-timeout': 'No PIN was typed on the reader in time. Try again, or use your password.',
  'touch-timeout':
    'The card was not touched in time. Try again and touch it when it blinks, or use your password.',
  'store-unreadable': 'The card pairings cannot be read. Use your password, and tell your administrator.',
  'not-recorded':
    'Your card is right, but the audit log cannot be written, and this machine grants no card login without a record. Use your password, and tell your administrator.',
  'store-newer':
    'The card pairings were written by a newer scauth than the one that runs. Use your password, and tell your administrator.',
  internal: 'Card login failed. Use your password, and tell your administrator.',
};

/** null: say nothing, the password prompt that follows is what the person expects. */
export function unavailableText(reason: UnavailableReason): string | null {
  return UNAVAILABLE[reason];
}
