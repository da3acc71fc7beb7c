// A sentence with the next step for each error code, for callers of io.scauth.

import type { AgentError, AgentErrorCode } from '../base/errors.ts';
import { NO_CHALLENGE, WRONG_ANSWER } from './help-desk.ts';
import { CARD_LOST } from './lost.ts';
import { unavailableText, deniedText } from './login.ts';
import { triesLeftText, wrongPinText } from './pin-tries.ts';

const BLOCKED = 'The PIN is blocked. Unblock the card with its PUK (sc_auth unblock).';

const NO_CARD = 'There is no card in a reader. Put your card in and try again.';
const PUK_BLOCKED = 'The PUK is blocked: whoever gave you the card has to set it up anew.';

/** A sentence, with what its maker has to say of it. */
function because(sentence: string, { say }: AgentError): string {
  return say === undefined ? `${sentence}.` : `${sentence}: ${say.replace(/\.$/, '')}.`;
}

type Sentence = string | ((error: AgentError) => string);

const SENTENCES: Readonly<Record<AgentErrorCode, Sentence>> = {
  'wrong-pin': ({ triesLeft = null }) =>
    triesLeft === 0 ? `${wrongPinText(0)} ${BLOCKED}` : wrongPinText(triesLeft),
  'pin-blocked': BLOCKED,
  'pin-reserve': (error) =>
    `The PIN was not sent: ${error.triesLeft === undefined ? 'the next try may be the last' : triesLeftText(error.triesLeft)}. Type yes when asked to use it.`,
  'pin-not-yours':
    'The last PIN tries of this card are kept for its owner. Ask the owner of the card, or your administrator.',
  'pin-expired':
    'The PIN of this card has expired. Set a new one (sc_auth changepin), or ask whoever gave you the card.',
  'pin-not-set':
    "This card has no PIN yet. Set one with the card maker's program, or ask whoever gave you the card.",
  'module-fault':
    "The card's PKCS#11 module failed. Take the card out, put it back and try again; scauthd's log has its code (journalctl -u scauthd).",
  'pin-malformed': 'This cannot be the PIN of the card, so it was not sent. Try again.',
  'wrong-puk': (error) =>
    error.triesLeft === undefined
      ? 'Wrong PUK.'
      : `Wrong PUK. ${error.triesLeft === 0 ? PUK_BLOCKED : `${triesLeftText(error.triesLeft)}.`}`,
  'puk-blocked': PUK_BLOCKED,
  'wrong-answer': (error) => (error.say === undefined ? WRONG_ANSWER : because(NO_CHALLENGE, error)),
  'cannot-set-up': (error) => because('This card cannot be set up', error),
  'not-supported': "The driver of this card cannot do that. Use the card maker's program.",
  'no-card': NO_CARD,
  'card-reset': NO_CARD,
  'card-changed': 'The card was changed, so no PIN was sent. Try again.',
  'card-busy': 'Another program is using the card. Try again in a moment.',
  'card-timeout': 'The card does not answer. Take it out, put it back and try again.',
  'card-fault': 'The card failed. Take it out, put it back and try again, or try another card.',
  'pin-timeout': 'No PIN was typed on the reader in time. Try again.',
  'touch-timeout': 'The card was not touched in time. Try again, and touch it when it blinks.',
  contactless:
    'Cards are not used through a contactless reader here. Put the card into a reader with contacts, or ask your administrator (reader.contactless).',
  'driver-fault':
    "The card's driver failed and is being started again. Try again in a moment; `sc_auth drivers -v` says more.",
  'no-service':
    'The smart card service does not run. Start pcscd (systemctl start pcscd.socket; where it is not there: apt install pcscd) and try again.',
  'not-authorised': 'The smart card service (pcscd) refused access. Check its polkit rules.',
  'no-identity': 'No card with this key is in a reader. `sc_auth identities` lists the keys.',
  'weak-key': (error) => because('This key cannot be used for login', error),
  'card-lost': CARD_LOST,
  'already-lost': 'It was said to be lost before: sc_auth lost lists it. It is refused everywhere.',
  'not-lost': 'Nobody has said that it is lost: sc_auth lost lists what is.',
  'factory-secrets': (error) => because('This card cannot be paired yet', error),
  'not-attested': (error) =>
    `${because('This key cannot be paired here', error)} Make a new key on the card, or ask your administrator.`,
  'bad-certificate': 'This is not a certificate. Give a PEM or DER file of one X.509 certificate.',
  'untrusted-certificate': (error) =>
    `${because('The certificate of this key is not trusted here', error)} Use another card, or ask your administrator.`,
  'bad-proof': deniedText('bad-proof') ?? '',
  'card-suspect': deniedText('card-suspect') ?? '',
  'card-unchecked':
    'scauth cannot confirm which card this is, because its current driver cannot check it. No PIN was sent. Pair it again by this driver (sc_auth unpair, sc_auth pair), use a PIV card, or ask your administrator (login.card_check).',
  'already-paired': 'This key is paired with the account already. `sc_auth list` shows the pairings.',
  'paired-elsewhere': (error) =>
    `${because('This key is paired with another account', error)} If both accounts are one person's: --shared.`,
  'several-pairings':
    'Several cards are paired, and none was removed. Name one (sc_auth unpair -h HASH; sc_auth list), or all of them (--all).',
  'not-paired': 'There is no such pairing. `sc_auth list` shows the pairings.',
  'key-conflict': 'Another key with the same hash is paired. Unpair it first, and tell your administrator.',
  'store-unreadable': unavailableText('store-unreadable') ?? '',
  'would-shut-out': (error) =>
    `${because('Enforcement would shut out', error)} Pair their cards and let them log in once, or exempt them: sc_auth enforce plan says who needs what.`,
  'no-card-login':
    'Nobody has logged in by card since enforcement was switched on. Log in by card, for example: sudo -k sc_auth enforce confirm',
  'store-newer': (error) =>
    `The card pairings were ${error.say ?? 'written by a newer scauth'}. Install that version again, or see “Upgrades” in administrators.md.`,
  'not-allowed': 'You are not allowed to do this. Ask your administrator, or use sudo.',
  'not-here':
    'The card is in this machine, and your session may be elsewhere. Do this at the machine itself, or ask your administrator (login.remote). sc_auth explain names the session.',
  'unknown-user': 'There is no such account. Check the user name.',
  'wrong-password': 'Wrong account password. Try again.',
  cancelled: 'Cancelled. Nothing was changed.',
  'invalid-argument': (error) => because('Not understood', error),
  malformed: (error) => because('Not understood', error),
  'config-invalid': 'The configuration of scauth is not valid. Ask your administrator.',
  internal: 'scauthd failed. Its log says why (journalctl -u scauthd).',
};

/** What a person is told; causes stay in the log. */
export function failureText(error: AgentError): string {
  const sentence = SENTENCES[error.code];
  return typeof sentence === 'string' ? sentence : sentence(error);
}
