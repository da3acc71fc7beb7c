// One question for the PIN, with the rules of the try counter around it. Sends nothing to the card but the look at
// its counter: what is done with the answer is the story's.

import { printable } from '../base/errors.ts';
import { Pin } from '../base/pin.ts';
import type { CardPin, Identity, PinState, TouchPolicy } from '../model/token.ts';
import type { Token } from '../token/interface.ts';
import { permitTry } from '../../policy/permit-try.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Conversation } from './conversation.ts';
import { consentPrompt, pinPrompt, readerPinText, readerPinPrompt, type InsteadOfPin } from './wording.ts';

/** Whoever gets a Pin in an answer wipes it. */
export type PinAnswer =
  /** May be sent to the card, once. */
  | { readonly kind: 'pin'; readonly pin: Pin }
  /** The person has been told to type it on the reader: the card may be used, once. */
  | { readonly kind: 'on-reader' }
  /** Cannot be a PIN, is empty, or was just refused by the card: it must not be sent. */
  | { readonly kind: 'not-a-pin'; readonly typed: Pin }
  | { readonly kind: 'blocked' }
  /** The last tries are kept: the person did not say yes. */
  | { readonly kind: 'reserve'; readonly triesLeft: number }
  | { readonly kind: 'cancelled' };

/**
 * How the person learns what they must do on the reader: by a message; by one that is shown although the application
 * wants silence; or by a prompt, where nothing else is shown (Enter answers it).
 */
export type CueBy = 'information' | 'error' | 'prompt';

export interface PinQuestion {
  readonly person: Conversation;
  readonly policy: Policy;
  readonly token: Token;
  /** Which of the token's PINs. */
  readonly cardPin: CardPin;
  /** The identity's label, for the prompt. */
  readonly label: string;
  /** When the key wants to be touched after the PIN; null where no key is used, or nothing is known. */
  readonly touch: TouchPolicy | null;
  /** The PIN that this card has just refused; the same again is not sent. */
  readonly refused: Pin | null;
  readonly instead: InsteadOfPin;
  readonly cueBy: CueBy;
}

/** The PIN that opens an identity of this token. */
export function pinOf(token: Token, identity: Identity): CardPin {
  return token.pins.find(({ id }) => id === identity.pin) ?? token.pins[0];
}

/** What is known of the PIN without asking the card. */
function lastState({ token, cardPin }: PinQuestion): PinState {
  return cardPin === token.pins[0] ? token.lastPinState : { triesLeft: null, triesTotal: null };
}

/** null when a PIN may be sent: there are tries to spare, or the person said yes to the last ones. */
async function askConsent(
  { person, policy, instead }: PinQuestion,
  state: PinState,
): Promise<PinAnswer | null> {
  switch (permitTry(policy, state)) {
    case 'permitted':
      return null;
    case 'blocked':
      return { kind: 'blocked' };
    case 'needs-consent': {
      const triesLeft = state.triesLeft ?? 0;
      const typed = await person.ask(consentPrompt(triesLeft, instead), true);
      if (typed === null) return { kind: 'cancelled' };
      const yes = typed.says('yes');
      typed.wipe();
      return yes ? null : { kind: 'reserve', triesLeft };
    }
  }
}

async function askSecret({ person, token, cardPin, label, touch, refused }: PinQuestion): Promise<PinAnswer> {
  const typed = await person.ask(pinPrompt(label, touch), false);
  if (typed === null) return { kind: 'cancelled' };
  let accepted: boolean;
  try {
    // A locker answers each prompt with the same text: the PIN that was just wrong is not sent a second time.
    accepted = token.acceptsPin(typed, cardPin) && refused?.equals(typed) !== true;
  } catch (error) {
    typed.wipe();
    throw error;
  }
  return accepted ? { kind: 'pin', pin: typed } : { kind: 'not-a-pin', typed };
}

/** The PIN is typed on the reader: the counter first, then the word to the person; what is typed here is no PIN. */
async function askOnReader(question: PinQuestion): Promise<PinAnswer> {
  const { person, token, cardPin, label, touch, cueBy } = question;
  const refusal = await askConsent(question, await token.pinState(cardPin));
  if (refusal !== null) return refusal;
  const reader = printable(token.slot.reader);
  if (cueBy !== 'prompt') {
    person.tell(cueBy, readerPinText(reader, label, touch));
    return { kind: 'on-reader' };
  }
  const typed = await person.ask(readerPinPrompt(reader, label, touch), false);
  if (typed === null) return { kind: 'cancelled' };
  if (!typed.isEmpty) return { kind: 'not-a-pin', typed };
  typed.wipe();
  return { kind: 'on-reader' };
}

/**
 * Asks for the PIN. While the person types, the card's try counter is read; where insertion said that few tries are
 * left, it is read first, so that nobody types for nothing.
 * @throws AgentError as Token.pinState
 */
export async function askPin(question: PinQuestion): Promise<PinAnswer> {
  const { policy, token, cardPin } = question;
  if (cardPin.entry === 'reader') return askOnReader(question);
  if (permitTry(policy, lastState(question)) !== 'permitted') {
    return (await askConsent(question, await token.pinState(cardPin))) ?? (await askSecret(question));
  }
  const counted = token.pinState(cardPin);
  counted.catch(() => undefined); // awaited below; until then a failure must not count as unhandled
  const answer = await askSecret(question);
  if (answer.kind !== 'pin') return answer;
  let refusal: PinAnswer | null;
  try {
    refusal = await askConsent(question, await counted);
  } catch (error) {
    answer.pin.wipe();
    throw error;
  }
  if (refusal === null) return answer;
  answer.pin.wipe();
  return refusal;
}
