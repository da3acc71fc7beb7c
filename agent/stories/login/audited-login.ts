// What the audit log says of a login that has been decided.

import { printable } from '../../base/errors.ts';
import type { AuditEvent } from '../../model/sealed-log/audit-event.ts';
import type { AuthDecision } from '../../model/decision.ts';
import type { AuthRequest } from '../../model/request.ts';

type LoginEvent = Extract<AuditEvent, { kind: 'login' }>;

/** @param found what was learned on the way: whose login, by which key, the setting that decided, the cause */
export function loginEvent(
  { id, service, tty, rhost, peer }: AuthRequest,
  decision: AuthDecision,
  found: Pick<LoginEvent, 'user' | 'key' | 'rule' | 'detail'>,
): LoginEvent {
  return {
    kind: 'login',
    outcome: outcomeOf(decision),
    requestId: id,
    service: printable(service),
    tty: tty === null ? null : printable(tty),
    rhost: rhost === null ? null : printable(rhost),
    peer,
    ...found,
  };
}

function outcomeOf(decision: AuthDecision): LoginEvent['outcome'] {
  switch (decision.kind) {
    case 'granted':
      return { kind: 'granted' };
    case 'retry':
      return { kind: 'denied', reason: 'wrong-pin' };
    default:
      return decision;
  }
}
