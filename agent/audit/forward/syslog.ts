// syslog by RFC 5424, to the local daemon's socket. In structured data `"`, `\` and `]` are escaped (6.3.3); control
// characters, which a daemon may write to a file as they are, become `?`.

import { hostname } from 'node:os';
import { printable } from '../../base/errors.ts';
import { AUTHPRIV } from './journal.ts';
import type { Summary } from '../summary.ts';

export const SYSLOG_SOCKET = '/dev/log';
/** The number that RFC 5612 gives for examples: scauth has none of its own. */
const SD_ID = 'scauth@32473';

function parameter(name: string, value: string): string {
  const text = printable(value, 600).replace(/["\\\]]/g, '\\$&');
  return ` ${name}="${text}"`;
}

/** @param more parameters beside the summary's */
export function syslogMessage(
  summary: Summary,
  timeMs: number,
  more: Readonly<Record<string, string>>,
): Buffer {
  const { kind, priority, message, fields } = summary;
  const parameters = Object.entries({ ...fields, ...more }).map(([name, value]) => parameter(name, value));
  const host =
    hostname()
      .replace(/[^!-~]/g, '')
      .slice(0, 255) || '-';
  const head = `<${AUTHPRIV * 8 + priority}>1 ${new Date(timeMs).toISOString()} ${host} scauthd ${process.pid} ${kind}`;
  return Buffer.from(`${head} [${SD_ID}${parameters.join('')}] ${printable(message, 2000)}`);
}
