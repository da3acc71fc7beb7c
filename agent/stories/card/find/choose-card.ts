// Several of the user's cards are in: the person says which, by number. Sends nothing to a card.

import { AgentError, printable } from '../../../base/errors.ts';
import type { Pin } from '../../../base/pin.ts';
import type { Conversation } from '../conversation.ts';
import type { PairedCard } from './find-identity.ts';
import { cardPrompt } from '../../../words/login.ts';

/** More numbers than anybody has cards; with one digit each. */
const MAX_CHOICES = 9;

export type CardChoice =
  | { readonly kind: 'chosen'; readonly card: PairedCard }
  /**
   * No number of the list. A locker answers each prompt with the same text: asking for the PIN now would send that
   * text to a card that nobody chose. The caller wipes it.
   */
  | { readonly kind: 'not-chosen'; readonly typed: Pin }
  | { readonly kind: 'cancelled' };

/** One line for each card; the reader is named where two lines would be the same. */
function linesOf(cards: readonly PairedCard[]): string[] {
  const labels = cards.map(({ identity }) => identity.label);
  return cards.map(({ identity: { label }, token }) => {
    const unique = labels.filter((other) => other === label).length === 1;
    return unique ? label : `${printable(token.slot.reader, 60)}: ${label}`;
  });
}

/** @param cards in the order in which they are offered; Enter takes the first */
export async function chooseCard(
  cards: readonly [PairedCard, ...PairedCard[]],
  person: Conversation,
): Promise<CardChoice> {
  const [first, ...others] = cards;
  if (others.length === 0) return { kind: 'chosen', card: first };
  const offered = cards.slice(0, MAX_CHOICES);
  const typed = await person.ask(cardPrompt(linesOf(offered)), true);
  if (typed === null) return { kind: 'cancelled' };
  const card = typed.isEmpty ? first : offered.find((_, index) => typed.says(String(index + 1)));
  if (card === undefined) return { kind: 'not-chosen', typed };
  typed.wipe();
  return { kind: 'chosen', card };
}

/** Where no choice ends what was asked for. @throws AgentError `cancelled` */
export async function requireChoice(
  cards: readonly [PairedCard, ...PairedCard[]],
  person: Conversation,
): Promise<PairedCard> {
  const choice = await chooseCard(cards, person);
  if (choice.kind === 'chosen') return choice.card;
  if (choice.kind === 'not-chosen') choice.typed.wipe();
  throw new AgentError('cancelled', { detail: 'no card was chosen' });
}
