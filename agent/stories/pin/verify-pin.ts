// `sc_auth verifypin`: is this the PIN of my card? Nothing is signed and the card is left unverified.

import { asAgentError } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { TokenId } from '../../model/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token, TokenSource } from '../../token/interface.ts';
import { auditedCard } from '../card/audited-card.ts';
import { eventsOfError } from '../card/audited-failure.ts';
import { chooseToken } from '../card/choose-token.ts';
import type { Conversation } from '../card/conversation.ts';
import { askCardPin } from '../card/prove-card.ts';
import type { OwnerParts } from '../card/whose-tries.ts';

export interface VerifyPinParts extends OwnerParts {
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
}

/**
 * @param id null: the only card that is in
 * @returns the token whose PIN was right
 * @throws AgentError `no-card`, `invalid-argument` (several cards), `cancelled`, `wrong-pin`, `pin-blocked`,
 * `pin-reserve`, `pin-not-yours`, `pin-malformed`, `contactless`, and those of Token.verifyPin
 */
export async function verifyCardPin(
  id: TokenId | null,
  peer: PeerCredentials,
  person: Conversation,
  parts: VerifyPinParts,
): Promise<Token> {
  const token = await chooseToken({ id, user: null }, parts);
  const card = { ...auditedCard(token, parts.pairings), actor: peer };
  try {
    const label = token.identities[0]?.label ?? token.label;
    const { pin, consent } = await askCardPin(person, peer, parts, token, label);
    await consent.send(pin, (attempt) => token.verifyPin(attempt, token.pins[0], person.gone));
  } catch (error) {
    if (asAgentError(error).code === 'wrong-pin') {
      await parts.audit.record({ kind: 'pin-checked', good: false, ...card });
    }
    for (const event of eventsOfError(error, { ...card, detail: null })) await parts.audit.record(event);
    throw error;
  }
  await parts.audit.record({ kind: 'pin-checked', good: true, ...card });
  return token;
}
