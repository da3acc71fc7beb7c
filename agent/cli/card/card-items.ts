// What is on the cards that are in, whole, from scauthd: for the commands that show everything.

import type { WireItem } from '../../protocol/io-scauth.ts';
import { whileCardWorks } from './card-wait.ts';
import { allPages, callAgent } from '../agent/client.ts';
import type { CommandContext } from '../context.ts';

/**
 * The keys of one card, or of all (null), in the order of their cards.
 * @throws CommandError as callAgent; scauthd's `no-card` for a card that is not in
 */
export function fetchItems(context: CommandContext, token: string | null): Promise<WireItem[]> {
  return whileCardWorks(context, () =>
    allPages(async (after) => {
      const { items, next } = await callAgent(context, 'ListItems', { token, after });
      return { items, next };
    }),
  );
}
