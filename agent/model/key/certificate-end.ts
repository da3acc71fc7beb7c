// When a certificate ends, read off its bytes: to parse the whole of it takes fifty times as long, and a machine may keep
// many (`sc_auth doctor`).

import { AgentError } from '../../base/errors.ts';
import { readTlvs } from '../../base/tlv.ts';
import { certificateParts } from './certificate-parts.ts';

export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;

/** UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5 has them: in UTC, with seconds. @returns ms since the epoch */
export function timeMs(tag: number, value: Buffer): number {
  const text = value.toString('latin1');
  const parts =
    tag === UTC_TIME
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
      : tag === GENERALIZED_TIME
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
        : null;
  const [year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] = (
    parts?.slice(1) ?? []
  ).map(Number);
  const full = tag === UTC_TIME ? year + (year < 50 ? 2000 : 1900) : year;
  const at = Date.UTC(full, month - 1, day, hour, minute, second);
  if (Number.isNaN(at)) throw new AgentError('malformed', { detail: 'not a time' });
  return at;
}

/** notAfter of a certificate (RFC 5280, 4.1.2.5), read off its bytes; null where they are none. */
export function certificateEnd(der: Buffer): number | null {
  try {
    const [, end] = readTlvs(certificateParts(der).validity);
    return end === undefined ? null : timeMs(end.tag, end.value);
  } catch {
    return null;
  }
}
