// A sentence with the next step for each error code, for callers of io.scauth.

import { assertNever } from '../base/assert.ts';
import type { AgentError } from '../base/errors.ts';
import { NO_CHALLENGE, WRONG_ANSWER } from './help-desk.ts';
import { CARD_LOST } from './lost.ts';
import { unavailableText, deniedText } from './login.ts';
import { triesLeftText, wrongPinText } from './pin-tries.ts';

const BLOCKED = 'The PIN is blocked. Unblock the card with its PUK (sc_auth unblock).';

const PUK_BLOCKED = 'The PUK is blocked: whoever gave you the card has to set it up anew.';

/** A sentence, with what its maker has to say of it. */
function because(sentence: string, { say }: AgentError): string {
  return say === undefined ? `${sentence}.` : `${sentence}: ${say.replace(/\.$/, '')}.`;
}

/** What a person is told; causes stay in the log. */
export function failureText(error: AgentError): string {
  switch (error.code) {
    case 'wrong-pin': {
      const wrong = wrongPinText(error.triesLeft ?? null);
      return error.triesLeft === 0 ? `${wrong} ${BLOCKED}` : wrong;
    }
    case 'pin-blocked':
      return BLOCKED;
    case 'pin-reserve':
      return `The PIN was not sent: ${error.triesLeft === undefined ? 'the next try may be the last' : triesLeftText(error.triesLeft)}. Type yes when asked to use it.`;
    case 'pin-not-yours':
      return 'The last PIN tries of this card are kept for its owner. Ask the owner of the card, or your administrator.';
    case 'pin-expired':
      return 'The PIN of this card has expired. Set a new one (sc_auth changepin), or ask whoever gave you the card.';
    case 'pin-not-set':
      return "This card has no PIN yet. Set one with the card maker's program, or ask whoever gave you the card.";
    case 'module-fault':
      return "The card's PKCS#11 module failed. Take the card out, put it back and try again; scauthd's log has its code (journalctl -u scauthd).";
    case 'pin-malformed':
      return 'This cannot be the PIN of the card, so it was not sent. Try again.';
    case 'wrong-puk':
      return error.triesLeft === undefined
        ? 'Wrong PUK.'
        : `Wrong PUK. ${error.triesLeft === 0 ? PUK_BLOCKED : `${triesLeftText(error.triesLeft)}.`}`;
    case 'puk-blocked':
      return PUK_BLOCKED;
    case 'wrong-answer':
      return error.say === undefined ? WRONG_ANSWER : because(NO_CHALLENGE, error);
    case 'cannot-set-up':
      return because('This card cannot be set up', error);
    case 'not-supported':
      return "The driver of this card cannot do that. Use the card maker's program.";
    case 'no-card':
    case 'card-reset':
      return 'There is no card in a reader. Put your card in and try again.';
    case 'card-changed':
      return 'The card was changed, so no PIN was sent. Try again.';
    case 'card-busy':
      return 'Another program is using the card. Try again in a moment.';
    case 'card-timeout':
      return 'The card does not answer. Take it out, put it back and try again.';
    case 'card-fault':
      return 'The card failed. Take it out, put it back and try again, or try another card.';
    case 'pin-timeout':
      return 'No PIN was typed on the reader in time. Try again.';
    case 'touch-timeout':
      return 'The card was not touched in time. Try again, and touch it when it blinks.';
    case 'contactless':
      return 'Cards are not used through a contactless reader here. Put the card into a reader with contacts, or ask your administrator (reader.contactless).';
    case 'driver-fault':
      return "The card's driver failed and is being started again. Try again in a moment; `sc_auth drivers -v` says more.";
    case 'no-service':
      return 'The smart card service does not run. Start pcscd (systemctl start pcscd.socket; where it is not there: apt install pcscd) and try again.';
    case 'not-authorised':
      return 'The smart card service (pcscd) refused access. Check its polkit rules.';
    case 'no-identity':
      return 'No card with this key is in a reader. `sc_auth identities` lists the keys.';
    case 'weak-key':
      return because('This key cannot be used for login', error);
    case 'card-lost':
      return CARD_LOST;
    case 'already-lost':
      return 'It was said to be lost before: sc_auth lost lists it. It is refused everywhere.';
    case 'not-lost':
      return 'Nobody has said that it is lost: sc_auth lost lists what is.';
    case 'factory-secrets':
      return because('This card cannot be paired yet', error);
    case 'not-attested':
      return `${because('This key cannot be paired here', error)} Make a new key on the card, or ask your administrator.`;
    case 'bad-certificate':
      return 'This is not a certificate. Give a PEM or DER file of one X.509 certificate.';
    case 'untrusted-certificate':
      return `${because('The certificate of this key is not trusted here', error)} Use another card, or ask your administrator.`;
    case 'bad-proof':
    case 'card-suspect':
      return deniedText(error.code) ?? '';
    case 'card-unchecked':
      return 'scauth cannot confirm which card this is, because its current driver cannot check it. No PIN was sent. Pair it again by this driver (sc_auth unpair, sc_auth pair), use a PIV card, or ask your administrator (login.card_check).';
    case 'already-paired':
      return 'This key is paired with the account already. `sc_auth list` shows the pairings.';
    case 'paired-elsewhere':
      return `${because('This key is paired with another account', error)} If both accounts are one person's: --shared.`;
    case 'several-pairings':
      return 'Several cards are paired, and none was removed. Name one (sc_auth unpair -h HASH; sc_auth list), or all of them (--all).';
    case 'not-paired':
      return 'There is no such pairing. `sc_auth list` shows the pairings.';
    case 'key-conflict':
      return 'Another key with the same hash is paired. Unpair it first, and tell your administrator.';
    case 'store-unreadable':
      return unavailableText('store-unreadable') ?? '';
    case 'would-shut-out':
      return `${because('Enforcement would shut out', error)} Pair their cards and let them log in once, or exempt them: sc_auth enforce plan says who needs what.`;
    case 'no-card-login':
      return 'Nobody has logged in by card since enforcement was switched on. Log in by card, for example: sudo -k sc_auth enforce confirm';
    case 'store-newer':
      return `The card pairings were ${error.say ?? 'written by a newer scauth'}. Install that version again, or see “Upgrades” in administrators.md.`;
    case 'not-allowed':
      return 'You are not allowed to do this. Ask your administrator, or use sudo.';
    case 'not-here':
      return 'The card is in this machine, and your session may be elsewhere. Do this at the machine itself, or ask your administrator (login.remote). sc_auth explain names the session.';
    case 'unknown-user':
      return 'There is no such account. Check the user name.';
    case 'wrong-password':
      return 'Wrong account password. Try again.';
    case 'cancelled':
      return 'Cancelled. Nothing was changed.';
    case 'invalid-argument':
    case 'malformed':
      return because('Not understood', error);
    case 'config-invalid':
      return 'The configuration of scauth is not valid. Ask your administrator.';
    case 'internal':
      return 'scauthd failed. Its log says why (journalctl -u scauthd).';
    default:
      return assertNever(error.code);
  }
}
