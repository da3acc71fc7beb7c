// Audit events as OCSF objects (Open Cybersecurity Schema Framework 1.6.0): which class and activity each kind is.
// Authentication (3002) for logins and what stands in for one, Account Change (3001) for pairings, Entity Management
// (3004) for settings and cards' PINs, Event Log Activity (1008) for gaps, Detection Finding (2004) for a suspect card,
// Base Event (0) for cards in and out. Tests hold each record against a JSON schema of these classes.

import { assertNever } from '../base/assert.ts';
import type { AuditEvent, LoginOutcome } from '../model/audit-event.ts';
import { isRemoteHost } from '../model/request.ts';
import {
  actorOf,
  causeOf,
  certificateAttribute,
  cut,
  deviceOf,
  keyOf,
  metadataOf,
  promptEntity,
  userOf,
  type Requester,
} from './ocsf-objects.ts';

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

interface Mapped {
  readonly class_uid: number;
  readonly activity_id: number;
  readonly activity_name: string;
  /** 1 informational, 2 low, 3 medium, 4 high. */
  readonly severity_id: number;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly unmapped: Readonly<Record<string, unknown>>;
}

const SUCCESS = { status_id: 1, status: 'Success' };
const FAILURE = { status_id: 2, status: 'Failure' };
/** OCSF auth_factor: 6 hardware token; the PIN has no number of its own. */
const FACTORS = [{ factor_type_id: 6 }, { factor_type_id: 99, factor_type: 'PIN' }];

function statusOf(outcome: LoginOutcome): { status_id: number; status: string; status_detail?: string } {
  switch (outcome.kind) {
    case 'granted':
      return SUCCESS;
    case 'denied':
      return { ...FAILURE, status_detail: outcome.reason };
    case 'unavailable':
      return { status_id: 99, status: 'Unavailable', status_detail: outcome.reason };
    case 'cancelled':
      return { status_id: 99, status: 'Cancelled' };
    default:
      return assertNever(outcome);
  }
}

const SWITCHING = new Set(['sudo', 'sudo-i', 'su', 'su-l', 'polkit-1', 'doas', 'runuser', 'runuser-l']);
const LOCKERS = /lock|saver|^kde$|^kde-smartcard$/i;

/** Activity 7, Account Switch, for programs that change the user within a session. */
function activityOf(service: string): { activity_id: number; activity_name: string } {
  return SWITCHING.has(service)
    ? { activity_id: 7, activity_name: 'Account Switch' }
    : { activity_id: 1, activity_name: 'Logon' };
}

function logonTypeOf(service: string, rhost: string | null): { logon_type_id: number; logon_type: string } {
  if (isRemoteHost(rhost)) return { logon_type_id: 10, logon_type: 'Remote Interactive' };
  return LOCKERS.test(service)
    ? { logon_type_id: 7, logon_type: 'Unlock' }
    : { logon_type_id: 2, logon_type: 'Interactive' };
}

type RequestEvent = Extract<AuditEvent, { kind: 'login' | 'exemption-used' | 'break-glass-used' }>;

function requestOf(event: RequestEvent, requester: Requester | null): Pick<Mapped, 'rest' | 'unmapped'> {
  const { requestId, user, service, tty, rhost, peer, rule, detail } = event;
  return {
    rest: {
      user: userOf(user),
      service: { name: cut(service) },
      actor: actorOf(peer, requester),
      is_remote: isRemoteHost(rhost),
      ...logonTypeOf(service, rhost),
      ...(tty === null ? {} : { session: { terminal: cut(tty) } }),
      ...(rhost === null || rhost === '' ? {} : { src_endpoint: { hostname: cut(rhost) } }),
    },
    unmapped: {
      request_id: requestId,
      tty: tty === null ? null : cut(tty),
      rhost: rhost === null ? null : cut(rhost),
      rule,
      detail: detail === null ? null : cut(detail),
    },
  };
}

function loginOf(event: Extract<AuditEvent, { kind: 'login' }>, requester: Requester | null): Mapped {
  const { rest, unmapped } = requestOf(event, requester);
  const granted = event.outcome.kind === 'granted';
  return {
    class_uid: 3002,
    ...activityOf(event.service),
    severity_id: event.outcome.kind === 'denied' ? 3 : 1,
    rest: {
      ...statusOf(event.outcome),
      ...rest,
      auth_protocol_id: 99,
      auth_protocol: 'PIV',
      is_mfa: granted,
      ...(granted ? { auth_factors: FACTORS } : {}),
      ...certificateAttribute(event.key),
    },
    unmapped: { ...keyOf(event.key), ...unmapped },
  };
}

function pairingOf(
  event: Extract<AuditEvent, { kind: 'pairing-added' | 'pairing-removed' | 'pairing-refused' }>,
  requester: Requester | null,
): Mapped {
  const key = 'key' in event ? event.key : null;
  const removed = event.kind === 'pairing-removed';
  return {
    class_uid: 3001,
    activity_id: removed ? 11 : 10,
    activity_name: removed ? 'MFA Factor Disable' : 'MFA Factor Enable',
    severity_id: event.kind === 'pairing-refused' ? 3 : 1,
    rest: {
      ...(event.kind === 'pairing-refused' ? { ...FAILURE, status_detail: cut(event.detail) } : SUCCESS),
      user: userOf(event.user),
      actor: actorOf(event.actor, requester),
    },
    // The class has no attribute for a certificate.
    unmapped: { ...keyOf(key), ...certificateAttribute(key) },
  };
}

function withoutCard(
  event: Extract<AuditEvent, { kind: 'exemption-used' | 'break-glass-used' }>,
  requester: Requester | null,
): Mapped {
  const exemption = event.kind === 'exemption-used';
  const { rest, unmapped } = requestOf(event, requester);
  return {
    class_uid: 3002,
    activity_id: 99,
    activity_name: exemption ? 'Exemption used' : 'Break-glass used',
    severity_id: exemption ? 2 : 4,
    rest: { ...SUCCESS, ...rest, is_mfa: false },
    unmapped,
  };
}

/** A change of something that is no account: settings, drivers, the PIN of a card. */
function entityOf(
  activity: readonly [number, string],
  entity: { readonly name: string; readonly type: string; readonly data?: unknown },
  more: { readonly severity?: number; readonly status?: object; readonly rest?: object },
): Mapped {
  const [activity_id, activity_name] = activity;
  return {
    class_uid: 3004,
    activity_id,
    activity_name,
    severity_id: more.severity ?? 1,
    rest: {
      ...(more.status ?? SUCCESS),
      ...more.rest,
      entity: { ...entity, name: cut(entity.name), type_id: 99 },
    },
    unmapped: {},
  };
}

const DRIVER_ACTIVITIES = {
  added: [1, 'Create'],
  removed: [4, 'Delete'],
  enabled: [8, 'Enable'],
  disabled: [9, 'Disable'],
} as const;

const KEYRING_ACTIVITIES = {
  enabled: [8, 'Enable'],
  disabled: [9, 'Disable'],
  resealed: [3, 'Update'],
  released: [2, 'Read'],
  failed: [2, 'Read'],
} as const;

function mappedOf(event: AuditEvent, requester: Requester | null): Mapped {
  switch (event.kind) {
    case 'login':
      return loginOf(event, requester);
    case 'exemption-used':
    case 'break-glass-used':
      return withoutCard(event, requester);
    case 'pairing-added':
    case 'pairing-removed':
    case 'pairing-refused':
      return pairingOf(event, requester);
    case 'prompt-state':
      return entityOf([3, 'Update'], promptEntity(event), {
        rest: { actor: actorOf(event.actor, requester) },
      });
    case 'policy-changed': {
      const changes = event.changes.slice(0, 20).map(({ setting, from, to }) => ({
        setting: cut(setting),
        from: cut(from).slice(0, 100),
        to: cut(to).slice(0, 100),
      }));
      return entityOf(
        [3, 'Update'],
        { name: 'policy', type: 'policy', data: { changes, more: event.changes.length - changes.length } },
        { severity: 2, rest: { actor: actorOf(event.actor, requester) } },
      );
    }
    case 'driver-changed':
      return entityOf(
        DRIVER_ACTIVITIES[event.action],
        {
          name: event.driver,
          type: 'driver',
          data: { version: event.version === null ? null : cut(event.version) },
        },
        { severity: 2, rest: { actor: actorOf(event.actor, requester) } },
      );
    case 'pin-checked':
      return {
        class_uid: 3002,
        activity_id: 6,
        activity_name: 'Preauth',
        severity_id: event.good ? 1 : 2,
        rest: {
          ...(event.good ? SUCCESS : FAILURE),
          user: { uid: String(event.actor.uid) },
          service: { name: 'sc_auth' },
          actor: actorOf(event.actor, requester),
        },
        unmapped: { token: cut(event.tokenId) },
      };
    case 'pin-changed':
      return entityOf(
        [3, 'Update'],
        { name: event.tokenId, type: 'smart card PIN', data: { how: event.how } },
        {
          status: event.good ? SUCCESS : FAILURE,
          severity: event.good ? 1 : 2,
          rest: { actor: actorOf(event.actor, requester) },
        },
      );
    case 'pin-blocked':
      return {
        ...entityOf(
          [12, 'Suspend'],
          {
            name: event.tokenId,
            type: 'smart card PIN',
            data: { user: event.user === null ? null : userOf(event.user) },
          },
          { severity: 3, rest: { actor: actorOf(event.actor, requester) } },
        ),
        unmapped: {
          ...keyOf(event.key ?? null),
          ...certificateAttribute(event.key ?? null),
          ...causeOf(event.request),
          token: cut(event.tokenId),
        },
      };
    case 'card-in':
    case 'card-out':
      return {
        class_uid: 0,
        activity_id: 99,
        activity_name: event.kind === 'card-in' ? 'Card in' : 'Card out',
        severity_id: 1,
        rest: { ...SUCCESS },
        unmapped: { token: cut(event.tokenId), driver: cut(event.driver), reader: cut(event.reader) },
      };
    case 'card-suspect': {
      return {
        class_uid: 2004,
        activity_id: 1,
        activity_name: 'Create',
        severity_id: 4,
        rest: {
          status_id: 1,
          status: 'New',
          is_alert: true,
          finding_info: {
            uid: `${event.check}:${cut(event.tokenId)}`,
            title: 'A card could not prove the key that it shows',
            desc: cut(event.detail ?? ''),
          },
          // Where the class has no place for a user or a certificate, evidence has.
          evidences: [
            {
              user: userOf(event.user),
              data: {
                check: event.check,
                ...certificateAttribute(event.key),
                ...(event.actor === undefined ? {} : { actor: actorOf(event.actor, requester) }),
              },
            },
          ],
        },
        unmapped: { ...keyOf(event.key), ...causeOf(event.request), token: cut(event.tokenId) },
      };
    }
    case 'session-locked':
      return {
        class_uid: 3002,
        activity_id: 99,
        activity_name: 'Session locked',
        severity_id: 1,
        rest: {
          ...SUCCESS,
          status_detail: event.cause,
          user: userOf(event.user),
          service: { name: 'scauth-session' },
          ...(event.session === null ? {} : { session: { uid: cut(event.session) } }),
        },
        unmapped: { token: event.tokenId === null ? null : cut(event.tokenId) },
      };
    case 'keyring':
      return entityOf(
        KEYRING_ACTIVITIES[event.action],
        {
          name: `login keyring of ${event.user}`,
          type: 'sealed secret',
          data: {
            action: event.action,
            ...keyOf(event.key),
            detail: event.detail === null ? null : cut(event.detail),
          },
        },
        {
          status: event.action === 'failed' ? FAILURE : SUCCESS,
          severity: event.action === 'failed' ? 2 : 1,
          rest: { actor: actorOf(event.actor, requester) },
        },
      );
    case 'gap':
      return {
        class_uid: 1008,
        activity_id: 99,
        activity_name: 'Gap',
        severity_id: ['records-missing', 'records-altered', 'seal-lost'].includes(event.reason) ? 4 : 3,
        rest: {
          ...FAILURE,
          status_detail: event.reason,
          actor: actorOf(null, null),
          log_name: 'audit.jsonl',
          log_provider: 'scauth',
          log_type_id: 2,
          log_type: 'Application',
        },
        unmapped: { count: event.count, from: event.fromMs, to: event.toMs },
      };
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
    metadata: metadataOf(event.kind),
    class_uid,
    category_uid: Math.trunc(class_uid / 1000),
    activity_id,
    activity_name,
    type_uid: class_uid * 100 + activity_id,
    severity_id,
    device: deviceOf(),
    ...rest,
    unmapped,
  };
}

/** Who asked for it, where somebody did. */
export function peerOf(event: AuditEvent): { pid: number } | null {
  if ('peer' in event) return event.peer;
  return 'actor' in event ? (event.actor ?? null) : null;
}
