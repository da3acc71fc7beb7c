// Audit events as OCSF objects (Open Cybersecurity Schema Framework 1.3): Authentication (class 3002) for logins and
// PIN checks, Account Change (3001) for pairings, Entity Management (3004) for settings.

import { hostname } from 'node:os';
import { assertNever } from '../base/assert.ts';
import type { AuditedKey, AuditEvent, LoginOutcome } from '../model/audit-event.ts';
import { isRemoteHost, type PeerCredentials } from '../model/request.ts';

const PRODUCT = { name: 'scauth', vendor_name: 'scauth' };

/** OCSF status_id: 1 success, 2 failure, 99 other. */
function statusOf(outcome: LoginOutcome): { status_id: number; status: string; status_detail?: string } {
  switch (outcome.kind) {
    case 'granted':
      return { status_id: 1, status: 'Success' };
    case 'denied':
      return { status_id: 2, status: 'Failure', status_detail: outcome.reason };
    case 'unavailable':
      return { status_id: 99, status: 'Unavailable', status_detail: outcome.reason };
    case 'cancelled':
      return { status_id: 99, status: 'Cancelled' };
    default:
      return assertNever(outcome);
  }
}

function actorOf(peer: PeerCredentials): object {
  return { process: { pid: peer.pid }, user: { uid: String(peer.uid) } };
}

function keyOf(key: AuditedKey): object {
  return {
    // OCSF's certificate object wants issuer and serial; a key without a certificate goes under unmapped alone.
    ...(key.certificateSerial === null
      ? {}
      : { certificate: { serial_number: key.certificateSerial, issuer: key.certificateIssuer ?? '' } }),
    unmapped: { pkhh: key.pkhh, token: key.tokenId },
  };
}

/** Activity 7, Account Switch, for programs that change the user within a session. */
function activityOf(service: string): { activity_id: number; activity_name: string } {
  return ['sudo', 'sudo-i', 'su', 'su-l', 'polkit-1', 'doas'].includes(service)
    ? { activity_id: 7, activity_name: 'Account Switch' }
    : { activity_id: 1, activity_name: 'Logon' };
}

function classOf(event: AuditEvent): {
  class_uid: number;
  category_uid: number;
  activity_id: number;
  rest: object;
} {
  switch (event.kind) {
    case 'login': {
      const { activity_id, activity_name } = activityOf(event.service);
      const key = event.key === null ? { unmapped: {} } : keyOf(event.key);
      return {
        class_uid: 3002,
        category_uid: 3,
        activity_id,
        rest: {
          activity_name,
          ...statusOf(event.outcome),
          user: { name: event.user ?? '' },
          service: { name: event.service },
          actor: actorOf(event.peer),
          auth_protocol_id: 99,
          auth_protocol: 'PIV',
          is_mfa: event.outcome.kind === 'granted',
          is_remote: isRemoteHost(event.rhost),
          ...key,
          unmapped: {
            ...(key as { unmapped: object }).unmapped,
            request_id: event.requestId,
            tty: event.tty,
            rhost: event.rhost,
            rule: event.rule,
            detail: event.detail,
          },
        },
      };
    }
    case 'pin-checked':
      return {
        class_uid: 3002,
        category_uid: 3,
        activity_id: 6,
        rest: {
          activity_name: 'Preauth',
          status_id: event.good ? 1 : 2,
          status: event.good ? 'Success' : 'Failure',
          user: { uid: String(event.actor.uid) },
          service: { name: 'sc_auth' },
          actor: actorOf(event.actor),
          unmapped: { token: event.tokenId },
        },
      };
    case 'pin-changed':
      return {
        class_uid: 3001,
        category_uid: 3,
        activity_id: 3,
        rest: {
          activity_name: 'Password Change',
          status_id: event.good ? 1 : 2,
          status: event.good ? 'Success' : 'Failure',
          user: { uid: String(event.actor.uid) },
          actor: actorOf(event.actor),
          unmapped: { token: event.tokenId, how: event.how },
        },
      };
    case 'driver-changed':
      return {
        class_uid: 3004,
        category_uid: 3,
        activity_id: 3,
        rest: {
          activity_name: 'Update',
          status_id: 1,
          status: 'Success',
          actor: actorOf(event.actor),
          entity: {
            name: event.driver,
            type: 'token driver',
            version: event.version ?? '',
            data: { before_login: event.action },
          },
        },
      };
    case 'pairing-added':
    case 'pairing-removed':
      return {
        class_uid: 3001,
        category_uid: 3,
        activity_id: 99,
        rest: {
          activity_name: event.kind === 'pairing-added' ? 'Pairing added' : 'Pairing removed',
          status_id: 1,
          status: 'Success',
          user: { name: event.user },
          actor: actorOf(event.actor),
          ...keyOf(event.key),
        },
      };
    case 'pairing-refused':
      return {
        class_uid: 3001,
        category_uid: 3,
        activity_id: 99,
        rest: {
          activity_name: 'Pairing refused',
          status_id: 2,
          status: 'Failure',
          status_detail: event.detail,
          user: { name: event.user },
          actor: actorOf(event.actor),
        },
      };
    case 'prompt-state':
      return {
        class_uid: 3004,
        category_uid: 3,
        activity_id: 3,
        rest: {
          activity_name: 'Update',
          status_id: 1,
          status: 'Success',
          actor: actorOf(event.actor),
          entity: { name: 'pairing prompt', type: 'setting', data: { enabled: event.enabled } },
        },
      };
    default:
      return assertNever(event);
  }
}

/** Severity 1 informational; 3 medium for a refusal that somebody should look at. */
function severityOf(event: AuditEvent): number {
  return event.kind === 'login' && event.outcome.kind === 'denied' ? 3 : 1;
}

/** @param timeMs wall clock, milliseconds since the epoch */
export function toOcsf(event: AuditEvent, timeMs: number): object {
  const { class_uid, category_uid, activity_id, rest } = classOf(event);
  return {
    time: timeMs,
    class_uid,
    category_uid,
    activity_id,
    type_uid: class_uid * 100 + activity_id,
    severity_id: severityOf(event),
    metadata: { version: '1.3.0', product: PRODUCT, event_code: event.kind },
    device: { hostname: hostname(), type_id: 0 },
    ...rest,
  };
}
