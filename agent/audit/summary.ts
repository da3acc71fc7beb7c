// An event as one sentence and a few fields, for the journal, syslog and Linux audit. The whole record stands in the
// log; this says enough to find it. Texts are printable() in the sentence and as they are in the fields: quoting is the
// format's business.

import { printable } from '../base/errors.ts';
import type { AuditedKey, AuditEvent } from '../model/sealed-log/audit-event.ts';
import type { ForwardedKind } from './forward/message-ids.ts';
import { cut } from './ocsf/objects.ts';

/** syslog(3) severities. */
const WARNING = 4;
const NOTICE = 5;
const INFO = 6;

export interface Summary {
  readonly kind: ForwardedKind;
  readonly priority: number;
  readonly message: string;
  /** Lower-case names of letters and `_`; in the order in which they are shown. */
  readonly fields: Readonly<Record<string, string>>;
}

const ALARMING: readonly string[] = [
  'break-glass-used',
  'pin-blocked',
  'card-suspect',
  'card-lost',
  'gap',
  'records-left-out',
  'pairing-refused',
];

function outcomeOf(event: AuditEvent): string {
  if (event.kind === 'login') return event.outcome.kind;
  if (event.kind === 'pin-checked' || event.kind === 'pin-changed') return event.good ? 'success' : 'failure';
  if (event.kind === 'keyring') return event.action === 'failed' ? 'failure' : 'success';
  return event.kind === 'pairing-refused' || event.kind === 'gap' ? 'failure' : 'success';
}

function reasonOf(event: AuditEvent): string | null {
  if (event.kind === 'login') return 'reason' in event.outcome ? event.outcome.reason : null;
  if (event.kind === 'keyring') return event.action;
  return 'reason' in event ? event.reason : null;
}

function priorityOf(event: AuditEvent, outcome: string): number {
  if (ALARMING.includes(event.kind) || outcome === 'denied') return WARNING;
  return event.kind === 'card-in' || event.kind === 'card-out' ? INFO : NOTICE;
}

function textOf(event: AuditEvent, name: string): string | null {
  const value = (event as unknown as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Which prompt was switched, and to what. */
function promptOf(event: AuditEvent): Readonly<Record<'user' | 'card' | 'detail', string | null>> {
  if (event.kind !== 'prompt-state') return { user: null, card: null, detail: null };
  const { enabled, scope } = event;
  return {
    user: scope.level === 'machine' ? null : scope.user,
    card: scope.level === 'card' ? scope.tokenId : null,
    detail: `${enabled ? 'enabled' : 'disabled'} for ${scope.level}`,
  };
}

function leftOutText(event: AuditEvent): string | null {
  return event.kind === 'records-left-out' ? `${event.count} of ${event.of} by ${event.owner}` : null;
}

export function summaryOf(event: AuditEvent): Summary {
  const outcome = outcomeOf(event);
  const key: AuditedKey | null = 'key' in event ? (event.key ?? null) : null;
  const peer = 'peer' in event ? event.peer : 'actor' in event ? (event.actor ?? null) : null;
  const request = 'request' in event ? (event.request ?? null) : null;
  const prompt = promptOf(event);
  const all: readonly (readonly [string, string | null])[] = [
    ['outcome', outcome],
    ['reason', reasonOf(event)],
    ['user', textOf(event, 'user') ?? prompt.user],
    ['service', textOf(event, 'service') ?? request?.service ?? null],
    ['key', key?.pkhh ?? null],
    ['card', key?.tokenId ?? textOf(event, 'tokenId') ?? textOf(event, 'serial') ?? prompt.card],
    ['certificate_serial', key?.certificateSerial ?? null],
    ['tty', textOf(event, 'tty') ?? request?.tty ?? null],
    ['rhost', textOf(event, 'rhost') ?? request?.rhost ?? null],
    ['rule', textOf(event, 'rule')],
    ['actor_uid', peer === null ? null : String(peer.uid)],
    ['actor_pid', peer === null ? null : String(peer.pid)],
    ['request', textOf(event, 'requestId') ?? request?.requestId ?? null],
    ['detail', textOf(event, 'detail') ?? prompt.detail ?? leftOutText(event)],
  ];
  const fields = Object.fromEntries(
    all.flatMap(([name, value]) => (value === null ? [] : [[name, cut(value)]])),
  );
  const words = Object.entries(fields)
    .filter(([name]) => !['outcome', 'request', 'actor_pid'].includes(name))
    .map(([name, value]) => `${name}=${printable(value, 120)}`);
  return {
    kind: event.kind,
    priority: priorityOf(event, outcome),
    message: [`${event.kind} ${outcome}`, ...words].join(' '),
    fields,
  };
}
