// What a failure says of the card beside that it failed: its PIN is blocked, or it shows a key that it cannot prove.
// These are events of their own in the audit log, whoever met them.

import { asAgentError } from '../../base/errors.ts';
import type { AuditedCause, AuditedKey, AuditEvent } from '../../model/audit-event.ts';
import type { AuthDecision } from '../../model/decision.ts';
import type { PeerCredentials } from '../../model/request.ts';

interface Circumstances {
  readonly tokenId: string;
  readonly user: string | null;
  readonly key: AuditedKey | null;
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
