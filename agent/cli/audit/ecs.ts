// A record as a document of the Elastic Common Schema (ECS 8.11, https://www.elastic.co/guide/en/ecs/8.11): one JSON
// object. What ECS has no field for stands below `scauth`.

import type { AuditRecord } from './record.ts';

const ECS_VERSION = '8.11.0';

/** event.category and event.type by kind; the words are ECS's closed lists. */
const CATEGORIES: Readonly<Record<string, readonly [string, string]>> = {
  login: ['authentication', 'start'],
  'exemption-used': ['authentication', 'start'],
  'break-glass-used': ['authentication', 'start'],
  'pairing-added': ['iam', 'creation'],
  'pairing-removed': ['iam', 'deletion'],
  'pairing-refused': ['iam', 'creation'],
  'prompt-state': ['configuration', 'change'],
  'policy-changed': ['configuration', 'change'],
  'driver-changed': ['configuration', 'change'],
  'pin-checked': ['authentication', 'info'],
  'pin-changed': ['iam', 'change'],
  'pin-blocked': ['iam', 'change'],
  'card-in': ['host', 'info'],
  'card-out': ['host', 'info'],
  'card-suspect': ['intrusion_detection', 'info'],
  'session-locked': ['session', 'change'],
  keyring: ['iam', 'change'],
  gap: ['host', 'error'],
};

const OUTCOMES: Readonly<Record<string, string>> = {
  granted: 'success',
  success: 'success',
  denied: 'failure',
  failure: 'failure',
};

export function toEcs(record: AuditRecord): string {
  const [category, type] = CATEGORIES[record.kind] ?? ['host', 'info'];
  const { user, service, host, tty, rhost, actorUid, actorPid, actorProgram, actorSession } = record;
  const { pkhh, token, certificateSerial, certificateIssuer, rule, requestId, detail, count } = record;
  const document = {
    '@timestamp': new Date(record.timeMs).toISOString(),
    ecs: { version: ECS_VERSION },
    event: {
      kind: record.kind === 'card-suspect' ? 'alert' : 'event',
      category: [category],
      type: [type],
      action: record.kind,
      outcome: OUTCOMES[record.outcome] ?? 'unknown',
      reason: record.reason ?? undefined,
      severity: record.severity,
      module: 'scauth',
      dataset: 'scauth.audit',
      sequence: record.sequence ?? undefined,
    },
    host: host === null ? undefined : { hostname: host },
    user: user === null ? undefined : { name: user },
    service: service === null ? undefined : { name: service },
    source: rhost === null || rhost === '' ? undefined : { address: rhost },
    process:
      actorPid === null
        ? undefined
        : {
            pid: actorPid,
            executable: actorProgram ?? undefined,
            tty: tty === null ? undefined : { name: tty },
            real_user: actorUid === null ? undefined : { id: actorUid },
          },
    x509:
      certificateSerial === null
        ? undefined
        : {
            serial_number: certificateSerial,
            issuer: { distinguished_name: certificateIssuer ?? undefined },
          },
    rule: rule === null ? undefined : { name: rule },
    related: user === null ? undefined : { user: [user] },
    scauth: {
      outcome: record.outcome,
      pkhh: pkhh ?? undefined,
      token: token ?? undefined,
      request_id: requestId ?? undefined,
      session: actorSession ?? undefined,
      detail: detail ?? undefined,
      count: count ?? undefined,
    },
  };
  return JSON.stringify(document);
}
