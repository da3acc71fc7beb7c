// `sc_auth book sign`: an officer's own card signs items of the pairing book, by one PIN. What an item says is not known here;
// that it is one of the book, and nothing else, is in each message.
// Why: DECISIONS.md D306.

import { AgentError } from '../../base/errors.ts';
import { Challenge } from '../../model/challenge.ts';
import type { Username } from '../../model/request.ts';
import type { Asked } from './conversation.ts';
import { signWithCard, type CardSignature, type SigningParts } from './sign-with-card.ts';

const ITEM = /^(officer|record|head) [A-Za-z0-9_-]{43}$/;
export const MAX_ITEMS = 1000;

/**
 * @param items as model/book/book.ts names them
 * @throws AgentError `invalid-argument`, those of signWithCard
 */
export async function signBook(
  user: Username,
  items: readonly string[],
  asked: Asked<SigningParts>,
): Promise<CardSignature[]> {
  if (items.length === 0 || items.length > MAX_ITEMS || !items.every((item) => ITEM.test(item)))
    throw new AgentError('invalid-argument', { say: `1 to ${MAX_ITEMS} items of a pairing book` });
  return signWithCard(user, asked, async (sign) => {
    const hostId = asked.parts.pairings.hostId();
    const signed: CardSignature[] = [];
    for (const item of items)
      signed.push(
        await sign(Challenge.create({ purpose: 'pairing-book', hostId, user, service: 'book', item })),
      );
    return signed;
  });
}
