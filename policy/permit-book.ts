// Whether what is in the pairing book counts on this machine, now. Pure; each rule says no by a word of its own, and only
// where none does a record is a pairing.
// Why: DECISIONS.md D302, D303.

import type { BookFreshness, BookHead, BookOfficer, KeptRecord } from '../agent/model/book/book-state.ts';
import type { Policy } from './policy.ts';

const HOUR_MS = 3_600_000;
/** Where a card is required, what is not refreshed ends after this, whatever fleet.max_age says. */
const REQUIRED_AGE_HOURS = 24;
/** How far clocks of one fleet may be apart. */
export const CLOCK_SKEW_MS = 300_000;

export interface BookClock {
  readonly nowMs: number;
  /** The latest time that was seen here. */
  readonly newestMs: number;
}

/** How old the newest head may be. */
export function maxAgeMs({ fleet }: Policy, isRequired: boolean): number {
  return (isRequired ? Math.min(fleet.maxAge, REQUIRED_AGE_HOURS) : fleet.maxAge) * HOUR_MS;
}

/** Whether there is a fleet at all: without a realm and somebody to believe there is none. */
export function hasFleet({ fleet }: Policy): boolean {
  return fleet.realm !== '' && fleet.officers.length > 0;
}

export function freshnessOf(
  policy: Policy,
  head: BookHead | null,
  { nowMs, newestMs }: BookClock,
  isRequired: boolean,
): BookFreshness {
  if (!hasFleet(policy)) return 'off';
  if (head === null) return 'no-head';
  if (nowMs + CLOCK_SKEW_MS < Math.max(newestMs, head.issuedMs)) return 'clock-set-back';
  return nowMs - head.issuedMs > maxAgeMs(policy, isRequired) ? 'stale' : 'fresh';
}

/** By what an officer, or their line, may have been revoked. */
export function namesOfOfficer({ sha256, pkhh, number }: BookOfficer): string[] {
  return [sha256, pkhh, `#${number}`];
}

/** `*` stands for any characters; letters in any case. A host name with a domain is not the same one without. */
function isLike(glob: string, host: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  const tail = rest.pop();
  if (tail === undefined) return host === head;
  if (!host.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = host.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return host.length - tail.length >= at && host.endsWith(tail);
}

export function isHost(globs: readonly string[], host: string): boolean {
  return globs.some((glob) => isLike(glob.toLowerCase(), host.toLowerCase()));
}

export type OfficerRefusal = 'officer-revoked' | 'officer-not-yet' | 'officer-expired' | 'officer-elsewhere';

/** Whether what this officer, or this head key, signs counts. Times are compared with the clock and never stretched. */
export function refusesOfficer(
  officer: BookOfficer,
  isRevoked: (names: readonly string[]) => boolean,
  host: string,
  nowMs: number,
): OfficerRefusal | null {
  if (isRevoked(namesOfOfficer(officer))) return 'officer-revoked';
  if (nowMs < officer.notBeforeMs) return 'officer-not-yet';
  if (nowMs >= officer.notAfterMs) return 'officer-expired';
  if (officer.role === 'officer' && !isHost(officer.hosts, host)) return 'officer-elsewhere';
  return null;
}

export type RecordRefusal =
  | 'withdrawn'
  | 'not-for-login'
  | 'not-yet'
  | 'expired'
  | 'no-officer'
  | 'out-of-scope'
  | 'revoked'
  | 'denied-here';

export interface RecordFacts {
  readonly nowMs: number;
  /** Who signed it may sign here now. */
  readonly hasOfficer: boolean;
}

export function refusesRecord(record: KeptRecord, facts: RecordFacts): RecordRefusal | null {
  if (record.denied) return 'denied-here';
  if (record.revoked) return 'revoked';
  if (!facts.hasOfficer) return 'no-officer';
  if (!record.inScope) return 'out-of-scope';
  if (!record.forLogin) return 'not-for-login';
  if (facts.nowMs < record.notBeforeMs) return 'not-yet';
  if (facts.nowMs >= record.notAfterMs) return 'expired';
  return record.present ? null : 'withdrawn';
}
