// Asks for a new PIN, twice. What the card would not take is said before anything is sent.

import { AgentError } from '../../../base/errors.ts';
import type { Pin } from '../../../base/pin.ts';
import type { Token } from '../../../token/interface.ts';
import type { Policy } from '../../../../policy/policy.ts';
import type { Conversation } from '../conversation.ts';
import { askSecret } from '../prove-card.ts';
import {
  newPinPrompt,
  NEW_PIN_AGAIN,
  NEW_PIN_DIFFERS,
  NEW_PIN_IS_OLD,
  NEW_PIN_NO_DIGITS,
  NEW_PIN_UNFIT,
} from '../../../words/login.ts';

/** How often a person may mistype before they have to begin again. */
const MAX_ROUNDS = 3;

/**
 * @param old what the new PIN must differ from, or null
 * @param weakness why a PIN that the card would take is refused; null: it is not
 * @returns the new PIN, which the caller wipes
 * @throws AgentError `cancelled`, `pin-malformed` after three rounds
 */
export async function askNewPin(
  person: Conversation,
  token: Pick<Token, 'acceptsPin'>,
  { login }: Policy,
  label: string,
  old: Pin | null,
  weakness: (pin: Pin) => string | null = () => null,
): Promise<Pin> {
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const next = await askSecret(person, newPinPrompt(label));
    try {
      const fault = !token.acceptsPin(next)
        ? NEW_PIN_UNFIT
        : login.pinDigits && !next.isDigits
          ? NEW_PIN_NO_DIGITS
          : old?.equals(next) === true
            ? NEW_PIN_IS_OLD
            : (weakness(next) ?? (await faultOfRepeat(person, next)));
      if (fault === null) return next.copy();
      person.tell('error', fault);
    } finally {
      next.wipe();
    }
  }
  throw new AgentError('pin-malformed', { detail: 'no new PIN after three rounds' });
}

async function faultOfRepeat(person: Conversation, next: Pin): Promise<string | null> {
  const again = await askSecret(person, NEW_PIN_AGAIN);
  const same = again.equals(next);
  again.wipe();
  return same ? null : NEW_PIN_DIFFERS;
}
