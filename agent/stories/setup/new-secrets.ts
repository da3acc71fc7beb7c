// The secrets that a card gets in the place of the factory's: a PIN that is not among those that are tried first, and a PUK
// by chance, which is shown before the card has it: a cut between the two leaves nobody with a PUK that no one knows.

import { randomInt } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import type { Token } from '../../token/interface.ts';
import { PUK_TEXT, WEAK_PIN } from '../../words/setup.ts';
import type { Policy } from '../../../policy/policy.ts';
import { weakPin } from '../../../policy/permit-new-pin.ts';
import { askNewPin } from '../card/ask-pin/ask-new-pin.ts';
import type { Conversation } from '../card/conversation.ts';

const PUK_DIGITS = 8;

/** @returns the new PIN, which the caller wipes @throws AgentError as askNewPin */
export function askStrongPin(
  person: Conversation,
  token: Pick<Token, 'acceptsPin'>,
  policy: Policy,
  label: string,
): Promise<Pin> {
  return askNewPin(person, token, policy, label, null, (pin) => {
    const weak = pin.peek(weakPin);
    return weak === null ? null : WEAK_PIN[weak];
  });
}

/**
 * Makes a PUK and shows it.
 * @returns the PUK, which the caller wipes
 * @throws AgentError `cancelled` where it was not taken: nobody would know it
 */
export async function showNewPuk(person: Conversation): Promise<Pin> {
  const puk = randomPuk();
  try {
    if ((await person.show?.(PUK_TEXT, puk)) === true) return puk.copy();
    throw new AgentError('cancelled', { detail: 'the PUK was not taken' });
  } finally {
    puk.wipe();
  }
}

/** Eight digits that no rule of a card's finds too simple. */
function randomPuk(): Pin {
  for (;;) {
    const digits = new SecretBuffer(PUK_DIGITS);
    try {
      for (let at = 0; at < PUK_DIGITS; at += 1) digits.bytes[at] = 0x30 + randomInt(10);
      if (weakPin(digits.bytes) === null) return new Pin(digits.bytes);
    } finally {
      digits.release();
    }
  }
}
