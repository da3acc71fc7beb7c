// One question for the PIN, with the rules of the try counter around it. Sends nothing to the card but the look at
// its counter: what is done with the answer is the story's.
// Why: DECISIONS.md D18, D24.

import { AgentError, asAgentError, printable } from '../../../base/errors.ts';
import { Pin } from '../../../base/pin.ts';
import type { CardPin, Identity, PinState, TouchPolicy } from '../../../model/card/token.ts';
import type { Token } from '../../../token/interface.ts';
import type { Conversation } from '../conversation.ts';
import type { TryConsent } from './last-try.ts';
import { pinPrompt, readerPinText, readerPinPrompt, type PinWords } from '../../../words/login.ts';

/** Whoever gets a Pin in an answer wipes it. */
export type PinAnswer =
  /** May be sent to the card, once. */
  | { readonly kind: 'pin'; readonly pin: Pin }
  /** The person has been told to type it on the reader: the card may be used, once. */
  | { readonly kind: 'on-reader' }
  /** Cannot be a PIN, is empty, or was just refused by the card: it must not be sent. */
  | { readonly kind: 'not-a-pin'; readonly typed: Pin };

/**
 * How the person learns what they must do on the reader: by a message; by one that is shown although the application
 * wants silence; or by a prompt, where nothing else is shown (Enter answers it).
 */
export type CueBy = 'information' | 'error' | 'prompt';

export interface PinQuestion {
  readonly person: Conversation;
  /** Of this PIN and this attempt; it goes on to the sending. */
  readonly consent: TryConsent;
  readonly token: Token;
  /** Which of the token's PINs. */
  readonly cardPin: CardPin;
  /** Whom the prompt names, and how it asks. */
  readonly label: string;
  readonly words: PinWords;
  /** When the key wants to be touched after the PIN; null where no key is used, or nothing is known. */
  readonly touch: TouchPolicy | null;
  /** The PIN that this card has just refused; the same again is not sent. */
  readonly refused: Pin | null;
  readonly cueBy: CueBy;
  /** No PIN has letters in it here, whatever the card takes (login.pin_digits). */
  readonly digitsOnly?: boolean;
  /** Whether a card that was taken out while somebody typed this is in again, as another token. Absent: nobody looks. */
  readonly isBack?: (typed: Pin) => Promise<boolean>;
}

/** The PIN that opens an identity of this token. */
export function pinOf(token: Token, identity: Identity): CardPin {
  return token.pins.find(({ id }) => id === identity.pin) ?? token.pins[0];
}

/** What is known of the PIN without asking the card. */
function lastState({ token, cardPin }: PinQuestion): PinState {
  return cardPin === token.pins[0] ? token.lastPinState : { triesLeft: null, triesTotal: null };
}

async function askSecret({
  person,
  token,
  cardPin,
  label,
  words,
  touch,
  refused,
  digitsOnly = false,
}: PinQuestion): Promise<PinAnswer> {
  const typed = await person.ask(pinPrompt(label, touch, words), false);
  if (typed === null) throw new AgentError('cancelled');
  let accepted: boolean;
  try {
    // A locker answers each prompt with the same text: the PIN that was just wrong is not sent a second time.
    const isPin = token.acceptsPin(typed, cardPin) && (typed.isDigits || !digitsOnly);
    accepted = isPin && refused?.equals(typed) !== true;
  } catch (error) {
    typed.wipe();
    throw error;
  }
  return accepted ? { kind: 'pin', pin: typed } : { kind: 'not-a-pin', typed };
}

/** The PIN is typed on the reader: the counter first, then the word to the person; what is typed here is no PIN. */
async function askOnReader(question: PinQuestion): Promise<PinAnswer> {
  const { person, consent, token, cardPin, label, touch, cueBy } = question;
  await consent.obtain(await token.pinState(cardPin));
  const reader = printable(token.slot.reader);
  if (cueBy !== 'prompt') {
    person.tell(cueBy, readerPinText(reader, label, touch));
    return { kind: 'on-reader' };
  }
  const typed = await person.ask(readerPinPrompt(reader, label, touch), false);
  if (typed === null) throw new AgentError('cancelled');
  if (!typed.isEmpty) return { kind: 'not-a-pin', typed };
  typed.wipe();
  return { kind: 'on-reader' };
}

/** What was counted; null: the card was taken out meanwhile and is back, and what is known when the PIN is sent decides. */
async function countedOrBack(
  counted: Promise<PinState>,
  pin: Pin,
  { isBack }: PinQuestion,
): Promise<PinState | null> {
  try {
    return await counted;
  } catch (error) {
    const gone = ['no-card', 'card-reset'].includes(asAgentError(error).code);
    if (gone && (await isBack?.(pin)) === true) return null;
    throw error;
  }
}

/**
 * Asks for the PIN. While the person types, the card's try counter is read; where few tries are known to be left, it is
 * read first, so that nobody types for nothing.
 * @throws AgentError as TryConsent.obtain and Token.pinState
 */
export async function askPin(question: PinQuestion): Promise<PinAnswer> {
  const { consent, token, cardPin } = question;
  if (cardPin.entry === 'reader') return askOnReader(question);
  if (!consent.permits(lastState(question))) {
    await consent.obtain(await token.pinState(cardPin));
    return askSecret(question);
  }
  const counted = token.pinState(cardPin);
  counted.catch(() => undefined); // awaited below; until then a failure must not count as unhandled
  const answer = await askSecret(question);
  if (answer.kind !== 'pin') return answer;
  try {
    const now = await countedOrBack(counted, answer.pin, question);
    if (now !== null) await consent.obtain(now);
    return answer;
  } catch (error) {
    answer.pin.wipe();
    throw error;
  }
}
