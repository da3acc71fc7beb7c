// One line of the log as the fields that people and other formats ask for. Texts are as they stand there: whoever shows
// them makes them safe for where they go.

import { recordWords } from '../../words/audit.ts';

export interface Change {
  readonly setting: string;
  readonly from: string;
  readonly to: string;
}

/** A record; null for what it does not say. */
export interface AuditRecord {
  readonly timeMs: number;
  readonly sequence: number | null;
  /** login, pairing-added, … */
  readonly kind: string;
  /** All of it in one sentence. */
  readonly message: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly severity: number;
  readonly activity: string;
  readonly user: string | null;
  readonly service: string | null;
  readonly tty: string | null;
  readonly rhost: string | null;
  readonly host: string | null;
  readonly requestId: string | null;
  readonly rule: string | null;
  readonly detail: string | null;
  /** Of settings. */
  readonly changes: readonly Change[];
  readonly token: string | null;
  readonly pkhh: string | null;
  readonly certificateSerial: string | null;
  readonly certificateIssuer: string | null;
  readonly actorUid: string | null;
  readonly actorPid: number | null;
  readonly actorProgram: string | null;
  readonly actorSession: string | null;
  /** Who had logged in where the request came from, before su and sudo. */
  readonly loginUid: string | null;
  readonly count: number | null;
  /** Of records that were left out: who caused them. */
  readonly owner: string | null;
}

type Members = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((from, name) => (isObject(from) ? from[name] : undefined), value);
}

function text(value: unknown, ...path: readonly string[]): string | null {
  const found = at(value, ...path);
  return typeof found === 'string' ? found.toWellFormed() : null;
}

function number(value: unknown, ...path: readonly string[]): number | null {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

const OUTCOMES = ['unknown', 'success', 'failure'];

/** Logins say how they ended; everything else went well or did not. */
function outcomeOf(kind: string, line: unknown): string {
  const status = number(line, 'status_id') ?? 0;
  if (status === 99) return (text(line, 'status') ?? 'other').toLowerCase();
  if (kind === 'login') return status === 1 ? 'granted' : 'denied';
  return OUTCOMES[status] ?? 'unknown';
}

/** What was changed, of an entity that is no PIN: which settings, from what to what; which driver, and how. */
function changeOf(kind: string, line: unknown): string | null {
  const entity = at(line, 'entity');
  const name = text(entity, 'name');
  if (kind === 'prompt-state') {
    const enabled = at(entity, 'data', 'enabled');
    if (typeof enabled !== 'boolean') return name;
    // The account has a column of its own; records of older releases name no level.
    const level = text(entity, 'data', 'level');
    const whose = level === null ? '' : ` (${text(entity, 'data', 'token') ?? level})`;
    return `${name ?? ''} ${enabled ? 'on' : 'off'}${whose}`.trim();
  }
  if (kind === 'driver-changed')
    return `${(text(line, 'activity_name') ?? '').toLowerCase()} ${name ?? ''}`.trim();
  const changes = changesOf(entity);
  if (kind !== 'policy-changed' || changes.length === 0) return name;
  return changes.map(({ setting, from, to }) => `${setting}: ${from} → ${to}`).join('; ');
}

function changesOf(entity: unknown): Change[] {
  const changes = at(entity, 'data', 'changes');
  if (!Array.isArray(changes)) return [];
  return changes.map((one) => ({
    setting: text(one, 'setting') ?? '?',
    from: text(one, 'from') ?? '?',
    to: text(one, 'to') ?? '?',
  }));
}

/** @returns null for a line that is no JSON object with a time */
export function readRecord(bytes: Buffer): AuditRecord | null {
  let line: unknown;
  try {
    line = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  return recordOf(line);
}

/** @param line as JSON has it @returns null for what is no object with a time */
export function recordOf(line: unknown): AuditRecord | null {
  const timeMs = number(line, 'time');
  if (timeMs === null || Math.abs(timeMs) > 8.64e15) return null;
  const kind = text(line, 'metadata', 'event_code') ?? 'unknown';
  const unmapped = at(line, 'unmapped');
  const evidences = at(line, 'evidences');
  const evidence: unknown = Array.isArray(evidences) ? evidences[0] : undefined;
  const certificate =
    at(line, 'certificate') ?? at(unmapped, 'certificate') ?? at(evidence, 'data', 'certificate');
  const actor = at(line, 'actor') ?? at(evidence, 'data', 'actor');
  const entity = at(line, 'entity');
  const isPin = text(entity, 'type') === 'smart card PIN';
  const outcome = outcomeOf(kind, line);
  const reason = text(line, 'status_code') ?? text(line, 'status_detail');
  const user =
    text(line, 'user', 'name') ?? text(evidence, 'user', 'name') ?? text(entity, 'data', 'user', 'name');
  const service = text(line, 'service', 'name') ?? text(unmapped, 'service');
  return {
    timeMs,
    sequence: number(line, 'metadata', 'sequence'),
    kind,
    // Records of older releases have none.
    message: text(line, 'message') ?? recordWords(kind, outcome, reason, [user, service]),
    outcome,
    reason,
    severity: number(line, 'severity_id') ?? 0,
    activity: text(line, 'activity_name') ?? '',
    user,
    service,
    tty: text(unmapped, 'tty') ?? text(actor, 'session', 'terminal'),
    rhost: text(unmapped, 'rhost'),
    host: text(line, 'device', 'hostname'),
    requestId: text(unmapped, 'request_id'),
    rule: text(unmapped, 'rule'),
    detail:
      text(unmapped, 'detail') ?? text(line, 'finding_info', 'desc') ?? (isPin ? null : changeOf(kind, line)),
    changes: changesOf(entity),
    token: text(unmapped, 'token') ?? (isPin ? text(entity, 'name') : null),
    pkhh: text(unmapped, 'pkhh'),
    certificateSerial: text(certificate, 'serial_number'),
    certificateIssuer: text(certificate, 'issuer'),
    actorUid: text(actor, 'user', 'uid'),
    actorPid: number(actor, 'process', 'pid'),
    actorProgram: text(actor, 'process', 'path') ?? text(actor, 'process', 'name'),
    actorSession: text(actor, 'session', 'uid'),
    loginUid: text(actor, 'user', 'uid_alt'),
    count: number(unmapped, 'count'),
    owner: text(unmapped, 'owner'),
  };
}
