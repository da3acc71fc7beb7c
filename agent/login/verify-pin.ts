// `sc_auth verifypin`: is this the PIN of my card? Nothing is signed and the card is left unverified.

import { AgentError, asAgentError } from '../base/errors.ts';
import type { AuditLog } from '../audit/interface.ts';
import type { PeerCredentials } from '../model/request.ts';
import type { TokenId } from '../model/token.ts';
import { CARD_READING_MS, type Token, type TokenSource } from '../token/interface.ts';
import type { Policy } from '../../policy/policy.ts';
import { eventsOfError } from './audited-failure.ts';
import type { Conversation } from './conversation.ts';
import { askCardPin } from './pair.ts';

export interface VerifyPinParts {
  readonly policy: () => Policy;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
}

async function chooseToken(tokens: TokenSource, id: TokenId | null): Promise<Token> {
  const present = await tokens.present(CARD_READING_MS);
  const matches = id === null ? present : present.filter((token) => token.id === id);
  const [token] = matches;
  if (token === undefined) throw new AgentError('no-card');
  if (matches.length > 1)
    throw new AgentError('invalid-argument', { detail: 'several cards are in: name one with -t TOKEN' });
  return token;
}

/**
 * @param id null: the only card that is in
 * @returns the token whose PIN was right
 * @throws AgentError `no-card`, `invalid-argument` (several cards), `cancelled`, `wrong-pin`, `pin-blocked`,
 * `pin-reserve`, `pin-malformed`, and those of Token.verifyPin
 */
export async function verifyCardPin(
  id: TokenId | null,
  peer: PeerCredentials,
  person: Conversation,
  parts: VerifyPinParts,
): Promise<Token> {
  const token = await chooseToken(parts.tokens, id);
  try {
    const pin = await askCardPin(person, parts.policy(), token, token.identities[0]?.label ?? token.label);
    try {
      await token.verifyPin(pin);
    } finally {
      pin.wipe();
    }
  } catch (error) {
    if (asAgentError(error).code === 'wrong-pin') {
      await parts.audit.record({ kind: 'pin-checked', good: false, tokenId: token.id, actor: peer });
    }
    const where = { tokenId: token.id, user: null, key: null, actor: peer, detail: null };
    for (const event of eventsOfError(error, where)) await parts.audit.record(event);
    throw error;
  }
  await parts.audit.record({ kind: 'pin-checked', good: true, tokenId: token.id, actor: peer });
  return token;
}
