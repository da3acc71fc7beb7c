// Which card a person means: the one that is named, the one that is paired with an account, or the only one that is in.

import { AgentError } from '../../../base/errors.ts';
import type { Username } from '../../../model/request.ts';
import type { TokenId } from '../../../model/card/token.ts';
import type { PairingTable } from '../../../store/interface.ts';
import { CARD_READING_MS, type Token, type TokenSource } from '../../../token/interface.ts';
import { findPairedIdentities } from './find-identity.ts';

export interface WantedToken {
  readonly id: TokenId | null;
  /** Only a card that is paired with this account; null: any. */
  readonly user: Username | null;
}

/**
 * @throws AgentError `no-card`, `invalid-argument` (several cards), `not-paired` (the account has no pairing),
 * `no-identity` (none of its cards is in)
 */
export async function chooseToken(
  wanted: WantedToken,
  parts: { readonly tokens: TokenSource; readonly pairings: PairingTable },
): Promise<Token> {
  const present = await parts.tokens.present(CARD_READING_MS);
  const named = wanted.id === null ? present : present.filter((token) => token.id === wanted.id);
  if (named.length === 0) throw parts.tokens.unread?.() ?? new AgentError('no-card');
  const matches = wanted.user === null ? named : pairedWith(wanted.user, named, parts.pairings);
  const [token] = matches;
  if (token === undefined) throw new AgentError('no-identity');
  if (matches.length === 1) return token;
  // Cards of one batch may share their name: it says of neither which one is meant.
  const isOneName = matches.every(({ id }) => id === token.id);
  const detail = isOneName
    ? `${matches.length} cards call themselves ${token.id}: take the others out`
    : 'several cards are in: name one with -t TOKEN';
  throw new AgentError('invalid-argument', { say: detail });
}

function pairedWith(user: Username, tokens: readonly Token[], table: PairingTable): Token[] {
  const pairings = table.forUser(user);
  if (pairings.length === 0) throw new AgentError('not-paired', { detail: `${user} has no pairing` });
  return tokens.filter((token) => findPairedIdentities([token], pairings).kind === 'found');
}
