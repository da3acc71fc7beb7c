// Counts over records, for stats and for the report. Memory does not grow with the log: of names that are many, the
// first ones are counted each, and the rest together.

import { timeText } from '../../base/local-time.ts';
import type { AuditRecord } from './record.ts';

/** More users, cards or services than people look at. */
const MAX_NAMES = 5000;
/** Of one key. */
const MAX_OWNERS = 10;
const OTHERS = '(others)';

export class Counter {
  readonly counts = new Map<string, number>();

  add(name: string): void {
    const counted = this.counts.has(name) || this.counts.size < MAX_NAMES ? name : OTHERS;
    this.counts.set(counted, (this.counts.get(counted) ?? 0) + 1);
  }

  /** Most first. */
  top(limit = Infinity): [string, number][] {
    const sorted = [...this.counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return sorted.slice(0, limit);
  }
}

export const LOGIN_OUTCOMES = ['granted', 'denied', 'unavailable', 'cancelled'] as const;
export type DayCounts = Record<(typeof LOGIN_OUTCOMES)[number], number>;

/** 1970 to 9999 has more days than a report shows; a log with a mad clock must not fill the memory. */
const MAX_DAYS = 20_000;

const LISTED = 200;

export class Tally {
  records = 0;
  firstMs = Infinity;
  lastMs = -Infinity;
  readonly kinds = new Counter();
  readonly outcomes = new Counter();
  readonly reasons = new Counter();
  readonly services = new Counter();
  readonly users = new Counter();
  readonly refusedUsers = new Counter();
  readonly keys = new Counter();
  /** Who was paired with a key or logged in with it. */
  readonly owners = new Map<string, Set<string>>();
  readonly days = new Map<string, DayCounts>();
  readonly gaps = new Counter();
  /** The last ones of what a person should look at: exemptions, break-glass, suspect cards, blocked PINs, gaps. */
  readonly notable: AuditRecord[] = [];
  readonly changes: AuditRecord[] = [];
  #lastDay = { fromMs: NaN, toMs: NaN, counts: null as DayCounts | null };

  add(record: AuditRecord): void {
    const { timeMs, kind, outcome } = record;
    this.records += 1;
    this.firstMs = Math.min(this.firstMs, timeMs);
    this.lastMs = Math.max(this.lastMs, timeMs);
    this.kinds.add(kind);
    if (kind === 'pairing-added' || outcome === 'granted') this.#own(record);
    switch (kind) {
      case 'login':
        this.#login(record);
        return;
      case 'gap':
        this.gaps.add(record.reason ?? 'unknown');
        keepLast(this.notable, record);
        return;
      case 'records-left-out':
      case 'exemption-used':
      case 'break-glass-used':
      case 'card-suspect':
      case 'pin-blocked':
        keepLast(this.notable, record);
        return;
      case 'pairing-added':
      case 'pairing-removed':
      case 'pairing-refused':
      case 'policy-changed':
      case 'driver-changed':
      case 'prompt-state':
        keepLast(this.changes, record);
        return;
      default:
        if (outcome === 'failure') this.reasons.add(`${kind}: ${record.reason ?? 'failed'}`);
    }
  }

  #own({ pkhh, user }: AuditRecord): void {
    if (pkhh === null || user === null) return;
    const names = this.owners.get(pkhh);
    if (names !== undefined) {
      if (names.size < MAX_OWNERS) names.add(user);
    } else if (this.owners.size < MAX_NAMES) this.owners.set(pkhh, new Set([user]));
  }

  #login(record: AuditRecord): void {
    const { outcome, reason, service, user, pkhh } = record;
    this.outcomes.add(outcome);
    if (reason !== null) this.reasons.add(reason);
    if (service !== null) this.services.add(service);
    if (user !== null) this.users.add(user);
    if (user !== null && outcome === 'denied') this.refusedUsers.add(user);
    if (pkhh !== null) this.keys.add(pkhh);
    const counts = this.#dayCounts(record.timeMs);
    if (counts !== null && outcome in counts) counts[outcome as keyof DayCounts] += 1;
  }

  #dayCounts(timeMs: number): DayCounts | null {
    const last = this.#lastDay;
    if (timeMs >= last.fromMs && timeMs < last.toMs) return last.counts;
    const [day = ''] = timeText(timeMs).split(' ');
    let counts = this.days.get(day) ?? null;
    if (counts === null && this.days.size < MAX_DAYS) {
      counts = { granted: 0, denied: 0, unavailable: 0, cancelled: 0 };
      this.days.set(day, counts);
    }
    const date = new Date(timeMs);
    const [year, month, number] = [date.getFullYear(), date.getMonth(), date.getDate()];
    this.#lastDay = {
      fromMs: new Date(year, month, number).getTime(),
      toMs: new Date(year, month, number + 1).getTime(),
      counts,
    };
    return counts;
  }
}

function keepLast(list: AuditRecord[], record: AuditRecord): void {
  list.push(record);
  if (list.length >= 2 * LISTED) list.splice(0, LISTED);
}
