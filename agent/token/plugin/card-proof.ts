// What a driver's process says of the card's own key, judged here: the driver carries the signature, no more.
// Specification: DRIVERS.md, "The card's own key".

import { CARD_KEY_UNASKED, NO_CARD_KEY, type CardKeyProof } from '../../model/card/card-key.ts';
import type { Identity } from '../../model/card/token.ts';
import type { CardKeyCheck } from '../interface.ts';
import type { CardProofAnswer } from './answers.ts';

/** @param answer null: the card has no such key; undefined: the driver says nothing of it */
export function cardProofOf(
  answer: CardProofAnswer | null | undefined,
  identities: readonly Identity[],
  asked: ReturnType<CardKeyCheck['begin']>,
): CardKeyProof {
  if (answer === undefined || asked === null) return CARD_KEY_UNASKED;
  if (answer === null) return NO_CARD_KEY;
  const own = identities.find(({ slot, use }) => slot === answer.key && use === 'card-authentication');
  if (own === undefined) return NO_CARD_KEY;
  const { scheme, signature } = answer;
  return asked.conclude(own.publicKey, { scheme, signature: Buffer.from(signature, 'base64') });
}
