// A record in ArcSight's Common Event Format, version 0 (Micro Focus, "Implementing ArcSight CEF", revision 25).
// In the header `|` and `\` are escaped, in the extension `=` and `\`, and newlines as \n; other control characters
// have no form of their own there and become `?`.

import { printable } from '../../base/errors.ts';
import type { AuditRecord } from './record.ts';

/** Longest header field and longest value; the keys' own lengths are up to 4000. */
const MAX_HEADER = 512;
const MAX_VALUE = 1000;

/** OCSF severities 0 to 6 on CEF's scale of 0 to 10. */
const SEVERITIES = [0, 1, 3, 5, 8, 9, 10];

function header(text: string): string {
  return printable(text, MAX_HEADER).replace(/[\\|]/g, '\\$&');
}

function value(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => printable(line, MAX_VALUE).replace(/[\\=]/g, '\\$&'))
    .join('\\n')
    .slice(0, 2 * MAX_VALUE);
}

export function toCef(record: AuditRecord): string {
  const extension: readonly (readonly [string, string | number | null])[] = [
    ['rt', record.timeMs],
    ['externalId', record.sequence],
    ['act', record.kind],
    ['outcome', record.outcome],
    ['reason', record.reason],
    ['dvchost', record.host],
    ['duser', record.user],
    ['shost', record.rhost],
    ['suid', record.actorUid],
    ['spid', record.actorPid],
    ['sproc', record.actorProgram],
    ['sourceServiceName', record.service],
    ...custom(1, 'keyHash', record.pkhh),
    ...custom(2, 'card', record.token),
    ...custom(3, 'certificateSerial', record.certificateSerial),
    ...custom(4, 'certificateIssuer', record.certificateIssuer),
    ...custom(5, 'rule', record.rule),
    ...custom(6, 'terminal', record.tty),
    ['msg', record.detail],
    ['cnt', record.count],
  ];
  const fields = ['CEF:0', 'scauth', 'scauth', '1', record.kind, `${record.kind} ${record.outcome}`];
  const [version = '', ...rest] = fields;
  return [
    version,
    ...rest.map(header),
    SEVERITIES[record.severity] ?? 0,
    extension
      .filter(([, text]) => text !== null && text !== '')
      .map(([name, text]) => `${name}=${value(String(text))}`)
      .join(' '),
  ].join('|');
}

function custom(number: number, label: string, text: string | null): [string, string | null][] {
  if (text === null || text === '') return [];
  return [
    [`cs${number}Label`, label],
    [`cs${number}`, text],
  ];
}
