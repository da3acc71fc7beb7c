// systemd's journal by its native protocol: a datagram of fields, each with its length, so that no text can begin a field
// of its own. https://systemd.io/JOURNAL_NATIVE_PROTOCOL

import { MESSAGE_IDS } from './message-ids.ts';
import type { Summary } from '../summary.ts';

export const JOURNAL_SOCKET = '/run/systemd/journal/socket';
/** LOG_AUTHPRIV, syslog(3). */
export const AUTHPRIV = 10;

function field(name: string, value: string): Buffer {
  const bytes = Buffer.from(value.toWellFormed());
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
}

/** @param more fields beside the summary's, with our prefix already */
export function journalEntry(summary: Summary, more: Readonly<Record<string, string>>): Buffer {
  const { kind, priority, message, fields } = summary;
  return Buffer.concat([
    field('MESSAGE', message),
    field('MESSAGE_ID', MESSAGE_IDS[kind]),
    field('PRIORITY', String(priority)),
    field('SYSLOG_FACILITY', String(AUTHPRIV)),
    field('SYSLOG_IDENTIFIER', 'scauthd'),
    field('SCAUTH_KIND', kind),
    ...Object.entries(fields).map(([name, value]) => field(`SCAUTH_${name.toUpperCase()}`, value)),
    ...Object.entries(more).map(([name, value]) => field(name, value)),
  ]);
}
