// A record as a document of the Elastic Common Schema (ECS 8.11, https://www.elastic.co/guide/en/ecs/8.11): one JSON
// object. What ECS has no field for stands below `scauth`: a card's certificate is none of TLS.

import { basename } from 'node:path';
import { isIP } from 'node:net';
import type { AuditEvent } from '../../../model/sealed-log/audit-event.ts';
import type { AuditRecord } from '../record.ts';

const ECS_VERSION = '8.11.0';

/** event.category and event.type by kind; the words are ECS's closed lists, and each pair is one that ECS expects. */
const CATEGORIES: Readonly<Record<AuditEvent['kind'], readonly [string, string]>> = {
  login: ['authentication', 'start'],
  'exemption-used': ['authentication', 'start'],
  'break-glass-used': ['authentication', 'start'],
  'pairing-added': ['iam', 'creation'],
  'pairing-removed': ['iam', 'deletion'],
  'pairing-refused': ['iam', 'creation'],
  'card-lost': ['iam', 'change'],
  'card-found': ['iam', 'change'],
  'prompt-state': ['configuration', 'change'],
  'policy-changed': ['configuration', 'change'],
  'driver-changed': ['configuration', 'change'],
  'pin-checked': ['authentication', 'info'],
  'pin-changed': ['iam', 'change'],
  'pin-blocked': ['iam', 'change'],
  'card-in': ['host', 'info'],
  'card-out': ['host', 'info'],
  'card-suspect': ['intrusion_detection', 'info'],
  'session-locked': ['session', 'info'],
  keyring: ['iam', 'change'],
  'records-left-out': ['host', 'info'],
  gap: ['host', 'info'],
};

const OUTCOMES: Readonly<Record<string, string>> = {
  granted: 'success',
  success: 'success',
  denied: 'failure',
  failure: 'failure',
};

function categoryOf(kind: string): readonly [string, string] {
  return Object.hasOwn(CATEGORIES, kind) ? CATEGORIES[kind as AuditEvent['kind']] : ['host', 'info'];
}

/** source.ip takes nothing but an address. */
function sourceOf(rhost: string | null): object | undefined {
  if (rhost === null || rhost === '') return undefined;
  return { address: rhost, ...(isIP(rhost) === 0 ? { domain: rhost } : { ip: rhost }) };
}

function processOf({ actorPid, actorProgram, actorUid }: AuditRecord): object | undefined {
  if (actorPid === null) return undefined;
  return {
    pid: actorPid,
    ...(actorProgram === null ? {} : { name: basename(actorProgram) }),
    ...(actorProgram?.startsWith('/') === true ? { executable: actorProgram } : {}),
    // The socket's credentials are the effective ones.
    user: actorUid === null ? undefined : { id: actorUid },
  };
}

export function toEcs(record: AuditRecord): string {
  const [category, type] = categoryOf(record.kind);
  const { user, service, host, rhost, actorUid, certificateSerial, certificateIssuer, rule } = record;
  const source = sourceOf(rhost);
  const document = {
    '@timestamp': new Date(record.timeMs).toISOString(),
    message: record.message,
    ecs: { version: ECS_VERSION },
    event: {
      kind: record.kind === 'card-suspect' ? 'alert' : 'event',
      category: [category],
      type: [type],
      action: record.kind,
      code: record.kind,
      outcome: OUTCOMES[record.outcome] ?? 'unknown',
      reason: record.reason ?? undefined,
      severity: record.severity,
      provider: 'scauthd',
      module: 'scauth',
      dataset: 'scauth.audit',
      sequence: record.sequence ?? undefined,
    },
    host: host === null ? undefined : { name: host, hostname: host },
    user: user === null ? undefined : { name: user },
    service: service === null ? undefined : { name: service },
    source,
    process: processOf(record),
    rule: rule === null ? undefined : { name: rule },
    related: {
      user: user === null ? undefined : [user],
      hosts: host === null ? undefined : [host],
      ip: source !== undefined && 'ip' in source ? [source.ip] : undefined,
    },
    scauth: {
      outcome: record.outcome,
      activity: record.activity === '' ? undefined : record.activity,
      pkhh: record.pkhh ?? undefined,
      token: record.token ?? undefined,
      certificate:
        certificateSerial === null
          ? undefined
          : { serial_number: certificateSerial, issuer: certificateIssuer ?? undefined },
      terminal: record.tty ?? undefined,
      request_id: record.requestId ?? undefined,
      actor:
        actorUid === null
          ? undefined
          : {
              uid: actorUid,
              login_uid: record.loginUid ?? undefined,
              session: record.actorSession ?? undefined,
            },
      changes: record.changes.length === 0 ? undefined : record.changes,
      detail: record.detail ?? undefined,
      count: record.count ?? undefined,
      owner: record.owner ?? undefined,
    },
  };
  return JSON.stringify(document);
}
