// A record as a line of CSV (RFC 4180), for spreadsheets. A cell that a spreadsheet would take for a formula begins with
// an apostrophe (OWASP, "CSV Injection"); control characters become `?`.

import { printable } from '../../../base/errors.ts';
import type { AuditRecord } from '../record.ts';

const MAX_CELL = 1000;

const COLUMNS: readonly (readonly [string, (record: AuditRecord) => string | number | null])[] = [
  ['time', (record) => new Date(record.timeMs).toISOString()],
  ['sequence', (record) => record.sequence],
  ['kind', (record) => record.kind],
  ['outcome', (record) => record.outcome],
  ['reason', (record) => record.reason],
  ['host', (record) => record.host],
  ['user', (record) => record.user],
  ['service', (record) => record.service],
  ['terminal', (record) => record.tty],
  ['remote_host', (record) => record.rhost],
  ['key', (record) => record.pkhh],
  ['card', (record) => record.token],
  ['certificate_serial', (record) => record.certificateSerial],
  ['certificate_issuer', (record) => record.certificateIssuer],
  ['rule', (record) => record.rule],
  ['actor_uid', (record) => record.actorUid],
  ['actor_pid', (record) => record.actorPid],
  ['actor_program', (record) => record.actorProgram],
  ['request', (record) => record.requestId],
  ['detail', (record) => record.detail],
];

export const CSV_HEAD = `${COLUMNS.map(([name]) => name).join(',')}\r\n`;

function cell(content: string | number | null): string {
  if (content === null) return '';
  if (typeof content === 'number') return String(content);
  const text = printable(content, MAX_CELL);
  const safe = /^[\s'"]*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(record: AuditRecord): string {
  return `${COLUMNS.map(([, read]) => cell(read(record))).join(',')}\r\n`;
}
