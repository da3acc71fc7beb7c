// Audit events as OCSF objects (Open Cybersecurity Schema Framework 1.6.0): which class and activity each kind is.
// Authentication (3002) for logins and what stands in for one, Account Change (3001) for pairings, Entity Management
// (3004) for settings and cards' PINs, Event Log Activity (1008) for gaps and what was left out, Detection Finding (2004) for a suspect card,
// Base Event (0) for cards in and out. Tests hold each record against the rules of these classes.

import { assertNever } from '../../base/assert.ts';
import { printable } from '../../base/errors.ts';
import type { AuditEvent, GapEvent, LeftOutEvent } from '../../model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { recordWords } from '../../words/audit.ts';
import { summaryOf } from '../summary.ts';
import { cardOf } from './card.ts';
import { changeOf, pairingOf } from './change.ts';
import { loginOf, withoutCardOf } from './login.ts';
import { because, FAILURE, SUCCESS, type Mapped } from './mapped.ts';
import { actorOf, cut, deviceOf, metadataOf, type Requester } from './objects.ts';

/** An OCSF object. `unmapped` is there always, and comes last. */
export interface OcsfRecord {
  readonly time: number;
  readonly metadata: object;
  readonly class_uid: number;
  readonly category_uid: number;
  readonly activity_id: number;
  readonly type_uid: number;
  readonly severity_id: number;
  readonly unmapped: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

const AUDIT_LOG = {
  actor: actorOf(null, null),
  log_name: 'audit.jsonl',
  log_provider: 'scauth',
  log_type_id: 2,
  log_type: 'Application',
};

function gapOf(event: GapEvent): Mapped {
  return {
    class_uid: 1008,
    activity_id: 99,
    activity_name: 'Gap',
    severity_id: ['records-missing', 'records-altered', 'seal-lost'].includes(event.reason) ? 4 : 3,
    rest: { ...FAILURE, ...because(event.reason), ...AUDIT_LOG },
    unmapped: { count: event.count, from: event.fromMs, to: event.toMs },
  };
}

function leftOutOf({ of, owner, count, fromMs, toMs }: LeftOutEvent): Mapped {
  return {
    class_uid: 1008,
    activity_id: 99,
    activity_name: 'Left out',
    severity_id: 3,
    rest: { ...SUCCESS, status_detail: `${count} of ${of}`, ...AUDIT_LOG },
    unmapped: { of, owner: cut(owner), count, from: fromMs, to: toMs },
  };
}

function mappedOf(event: AuditEvent, requester: Requester | null): Mapped {
  switch (event.kind) {
    case 'login':
      return loginOf(event, requester);
    case 'exemption-used':
    case 'break-glass-used':
      return withoutCardOf(event, requester);
    case 'pairing-added':
    case 'pairing-removed':
    case 'pairing-refused':
      return pairingOf(event, requester);
    case 'prompt-state':
    case 'policy-changed':
    case 'driver-changed':
    case 'keyring':
      return changeOf(event, requester);
    case 'pin-checked':
    case 'pin-changed':
    case 'pin-blocked':
    case 'card-in':
    case 'card-out':
    case 'card-suspect':
    case 'card-lost':
    case 'card-found':
    case 'session-locked':
      return cardOf(event, requester);
    case 'records-left-out':
      return leftOutOf(event);
    case 'gap':
      return gapOf(event);
    default:
      return assertNever(event);
  }
}

/**
 * @param timeMs wall clock, milliseconds since the epoch
 * @param requester what /proc says of the peer; null where there is none
 */
export function toOcsf(event: AuditEvent, timeMs: number, requester: Requester | null = null): OcsfRecord {
  const { class_uid, activity_id, activity_name, severity_id, rest, unmapped } = mappedOf(event, requester);
  return {
    time: Math.trunc(timeMs),
    timezone_offset: 0 - new Date(timeMs).getTimezoneOffset(),
    metadata: metadataOf(event.kind),
    class_uid,
    category_uid: Math.trunc(class_uid / 1000),
    activity_id,
    activity_name,
    type_uid: class_uid * 100 + activity_id,
    severity_id,
    message: messageOf(event),
    device: deviceOf(),
    ...rest,
    unmapped,
  };
}

function messageOf(event: AuditEvent): string {
  const { outcome = '', reason = null, detail = null, user = null, service = null } = summaryOf(event).fields;
  const why = event.kind === 'records-left-out' ? detail : reason;
  return cut(printable(recordWords(event.kind, outcome, why, [user, service]), 300));
}

/** Who asked for it, where somebody did. */
export function peerOf(event: AuditEvent): PeerCredentials | null {
  if ('peer' in event) return event.peer;
  return 'actor' in event ? (event.actor ?? null) : null;
}
