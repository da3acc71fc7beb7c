// A record in ArcSight's Common Event Format, version 0 (Micro Focus, "Implementing ArcSight CEF", revision 25).
// In the header `|` and `\` are escaped, in the extension `=` and `\`, and newlines as \n; other control characters
// have no form of their own there and become `?`. No value is longer than the dictionary's length of its key.

import { isIPv4, isIPv6 } from 'node:net';
import { printable } from '../../../base/errors.ts';
import { productVersion } from '../../../base/product-version.ts';
import { kindWords } from '../../../words/audit.ts';
import type { AuditRecord } from '../record.ts';

const MAX_HEADER = 512;
/** The dictionary's lengths; of custom strings (cs1 to cs6, 4000) less is taken. */
const MAX_VALUE = 1023;
const SHORTER: Readonly<Record<string, number>> = { externalId: 40, act: 63, outcome: 63, dvchost: 100 };

/** OCSF severities 0 to 6 on CEF's scale of 0 to 10. */
const SEVERITIES = [0, 1, 3, 5, 8, 9, 10];
const VERSION = productVersion();

function header(text: string): string {
  return printable(text, MAX_HEADER).replace(/[\\|]/g, '\\$&');
}

/** Cut before it is escaped, so that no escape is cut in two. */
function value(text: string, max: number): string {
  const short = text.length > max ? `${text.slice(0, max - 1)}…` : text;
  return short
    .split(/\r\n|\n|\r/)
    .map((line) => printable(line, max).replace(/[\\=]/g, '\\$&'))
    .join('\\n');
}

/** `src` takes an IPv4 address, `shost` a name; an IPv6 address has the second custom address, which is the source's. */
function sourceOf(rhost: string | null): [string, string | null][] {
  if (rhost === null) return [];
  if (isIPv4(rhost)) return [['src', rhost]];
  if (isIPv6(rhost))
    return [
      ['c6a2Label', 'Source IPv6 Address'],
      ['c6a2', rhost],
    ];
  return [['shost', rhost]];
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
    ...sourceOf(record.rhost),
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
  const fields = ['scauth', 'scauth', VERSION, record.kind, kindWords(record.kind, record.outcome)];
  return [
    'CEF:0',
    ...fields.map(header),
    SEVERITIES[record.severity] ?? 0,
    extension
      .filter(([, text]) => text !== null && text !== '')
      .map(([name, text]) => `${name}=${value(String(text), SHORTER[name] ?? MAX_VALUE)}`)
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
