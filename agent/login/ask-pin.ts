// One question for the PIN, with the rules of the try counter around it. Sends nothing to the card but the look at
// its counter: what is done with the answer is the story's.

import { Pin } from '../base/pin.ts';
import type { PinState } from '../model/token.ts';
import type { Token } from '../token/interface.ts';
import { permitTry } from '../../policy/permit-try.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Conversation } from './conversation.ts';
import { consentPrompt, pinPrompt, type InsteadOfPin } from './wording.ts';

/** Whoever gets a Pin in an answer wipes it. */
export type PinAnswer =
  /** May be sent to the card, once. */
  | { readonly kind: 'pin'; readonly pin: Pin }
  /** Cannot be a PIN, is empty, or was just refused by the card: it must not be sent. */
  | { readonly kind: 'not-a-pin'; readonly typed: Pin }
  | { readonly kind: 'blocked' }
  /** The last tries are kept: the person did not say yes. */
  | { readonly kind: 'reserve'; readonly triesLeft: number }
  | { readonly kind: 'cancelled' };

interface Question {
  readonly person: Conversation;
  readonly policy: Policy;
  readonly token: Token;
  /** The identity's label, for the prompt. */
  readonly label: string;
  /** The PIN that this card has just refused; the same again is not sent. */
  readonly refused: Pin | null;
  readonly instead: InsteadOfPin;
}

/** null when a PIN may be sent: there are tries to spare, or the person said yes to the last ones. */
async function askConsent({ person, policy, instead }: Question, state: PinState): Promise<PinAnswer | null> {
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

async function askSecret({ person, token, label, refused }: Question): Promise<PinAnswer> {
  const typed = await person.ask(pinPrompt(label), false);
  if (typed === null) return { kind: 'cancelled' };
  let accepted: boolean;
  try {
    // A locker answers each prompt with the same text: the PIN that was just wrong is not sent a second time.
    accepted = token.acceptsPin(typed) && refused?.equals(typed) !== true;
  } catch (error) {
    typed.wipe();
    throw error;
  }
  return accepted ? { kind: 'pin', pin: typed } : { kind: 'not-a-pin', typed };
}

/**
 * Asks for the PIN. While the person types, the card's try counter is read; where insertion said that few tries are
 * left, it is read first, so that nobody types for nothing.
 * @throws AgentError as Token.pinState
 */
export async function askPin(question: Question): Promise<PinAnswer> {
  const { policy, token } = question;
  if (permitTry(policy, token.lastPinState) !== 'permitted') {
    return (await askConsent(question, await token.pinState())) ?? (await askSecret(question));
  }
  const counted = token.pinState();
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
