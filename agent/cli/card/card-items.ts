// The keys of the cards that are in, all of them, from scauthd.

import type { WireIdentity, WireItem } from '../../protocol/io-scauth.ts';
import { allPages, callAgent } from '../agent/client.ts';
import type { CommandContext } from '../context.ts';

/**
 * The keys of one card, or of all (null), with their certificates, in the order of their cards.
 * @throws CommandError as callAgent; scauthd's `no-card` for a card that is not in
 */
export function fetchItems(context: CommandContext, token: string | null): Promise<WireItem[]> {
  return allPages((after) => callAgent(context, 'ListItems', { token, after }));
}

/** The keys as a login sees them. @throws CommandError as callAgent */
export function fetchIdentities(context: CommandContext): Promise<WireIdentity[]> {
  return allPages(async (after) => {
    const { identities: items, next } = await callAgent(context, 'ListIdentities', { after });
    return { items, next };
  });
}
