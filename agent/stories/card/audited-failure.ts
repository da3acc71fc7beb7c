// What a failure says of the card beside that it failed: its PIN is blocked, or it shows a key that it cannot prove.
// These are events of their own in the audit log, whoever met them.

import { asAgentError, type AgentErrorCode } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { AuditedCard, AuditedCause, AuditEvent } from '../../model/sealed-log/audit-event.ts';
import type { AuthDecision } from '../../model/decision.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';
import { auditedCard } from './audited-card.ts';
import type { Asked } from './conversation.ts';

interface Circumstances extends AuditedCard {
  readonly actor: PeerCredentials;
  readonly detail: string | null;
  /** Absent outside of a login. */
  readonly request?: AuditedCause;
}

type Suspect = Extract<AuditEvent, { kind: 'card-suspect' }>;

function pinBlocked({ tokenId, user, key, actor, request }: Circumstances): AuditEvent {
  return { kind: 'pin-blocked', tokenId, user, key, actor, ...(request === undefined ? {} : { request }) };
}

function cardSuspect(
  check: Suspect['check'],
  { tokenId, user, key, detail, actor, request }: Circumstances,
): Suspect {
  const cause = request === undefined ? {} : { request };
  return { kind: 'card-suspect', check, tokenId, user, key, detail, actor, ...cause };
}

/** For a login that ended with `decision`. */
export function eventsOfDecision(decision: AuthDecision, where: Circumstances): AuditEvent[] {
  if (decision.kind !== 'denied') return [];
  if (decision.reason === 'pin-blocked') return [pinBlocked(where)];
  if (decision.reason !== 'bad-proof' && decision.reason !== 'card-suspect') return [];
  return [cardSuspect(decision.reason === 'bad-proof' ? 'login-proof' : 'card-authentication', where)];
}

/** For a pairing or a PIN check that ended with `error`. */
export function eventsOfError(error: unknown, where: Circumstances): AuditEvent[] {
  const { code, triesLeft } = asAgentError(error);
  if (code === 'pin-blocked' || (code === 'wrong-pin' && triesLeft === 0)) return [pinBlocked(where)];
  if (code !== 'bad-proof' && code !== 'card-suspect') return [];
  return [cardSuspect(code === 'bad-proof' ? 'pairing-proof' : 'card-authentication', where)];
}

/** The card has judged what it was sent, or what was typed opens nothing. */
const MISTYPED: readonly AgentErrorCode[] = ['wrong-pin', 'wrong-puk', 'puk-blocked', 'wrong-answer'];

type PinUse =
  | Pick<Extract<AuditEvent, { kind: 'pin-checked' }>, 'kind'>
  | Pick<Extract<AuditEvent, { kind: 'pin-changed' }>, 'kind' | 'how'>;

/**
 * Uses a PIN or PUK, and records how it fared: good, or wrong in the card's judgement, and what a failure says of the card.
 * @throws what `use` and the audit log throw
 */
export async function auditedUse<T>(
  what: PinUse,
  card: AuditedCard & { readonly actor: PeerCredentials },
  audit: AuditLog,
  use: () => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    result = await use();
  } catch (error) {
    const { code, detail } = asAgentError(error);
    if (MISTYPED.includes(code)) await audit.record({ ...what, good: false, ...card });
    for (const event of eventsOfError(error, { ...card, detail })) await audit.record(event);
    throw error;
  }
  await audit.record({ ...what, good: true, ...card });
  return result;
}

interface AuditedParts {
  readonly pairings: Pick<PairingTable, 'forKey'>;
  readonly audit: AuditLog;
}

/** The same of a card as it is known here: the ending of each story that sends a PIN or PUK outside of a login. */
export function auditedPinUse<T>(
  what: PinUse,
  token: Token,
  { peer, parts: { pairings, audit } }: Omit<Asked<AuditedParts>, 'person'>,
  use: () => Promise<T>,
): Promise<T> {
  return auditedUse(what, { ...auditedCard(token, pairings), actor: peer }, audit, use);
}
