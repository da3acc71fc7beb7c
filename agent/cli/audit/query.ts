// Which records are meant: the options that tail, search, stats, export and report share. A search looks for the name's
// bytes first and reads only lines that have them; what it finds is then read properly, so that the bytes alone never
// decide.

import { AUDIT_KINDS } from '../../model/sealed-log/audit-event.ts';
import { timeOf } from '../../model/sealed-log/sealed-line.ts';
import { usage } from '../../words/audit-log.ts';
import { CommandError } from '../exit-codes.ts';
import { eachLine, NEWLINE } from './log-files.ts';
import { OUTCOMES } from './outcomes.ts';
import { readRecord, type AuditRecord } from './record.ts';
import { parseWhen } from './when.ts';

export const QUERY_OPTIONS = {
  log: { type: 'string' },
  user: { type: 'string' },
  service: { type: 'string' },
  key: { type: 'string' },
  card: { type: 'string' },
  outcome: { type: 'string' },
  kind: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

type Values = { readonly [K in keyof typeof QUERY_OPTIONS]?: string | undefined };

type Test = (record: AuditRecord) => boolean;

export class Query {
  readonly #tests: readonly Test[];
  /** Bytes that each line has that fits; null where there are none. */
  readonly #needle: Buffer | null;
  /** Older records do not fit. */
  readonly sinceMs: number;
  readonly #untilMs: number;

  /** @throws CommandError `usage` */
  constructor(values: Values, nowMs: number) {
    const { user, service, key, card, outcome, kind } = values;
    this.sinceMs = when('since', values.since, nowMs) ?? -Infinity;
    this.#untilMs = when('until', values.until, nowMs) ?? Infinity;
    const tests: Test[] = [];
    const needles: string[] = [];
    if (user !== undefined) {
      tests.push((record) => record.user === user);
      // What stands before it in each of its places: the longer what is looked for, the quicker the search.
      needles.push(`"user":{"name":${JSON.stringify(user)}`);
    }
    if (service !== undefined) {
      tests.push((record) => record.service === service);
      needles.push(`"service":{"name":${JSON.stringify(service)}`);
    }
    if (key !== undefined) {
      const digits = key.replaceAll(/[\s:]/g, '').toUpperCase();
      if (!/^[0-9A-F]{4,40}$/.test(digits)) {
        throw new CommandError('usage', usage.key);
      }
      tests.push((record) => record.pkhh?.startsWith(digits) === true);
      needles.push(`"pkhh":"${digits}`);
    }
    if (card !== undefined) {
      tests.push((record) => record.token === card);
      needles.push(JSON.stringify(card));
    }
    if (outcome !== undefined) {
      if (!OUTCOMES.includes(outcome)) {
        throw new CommandError('usage', usage.oneOf('outcome', OUTCOMES));
      }
      tests.push((record) => record.outcome === outcome);
    }
    if (kind !== undefined) {
      if (!(AUDIT_KINDS as readonly string[]).includes(kind)) {
        throw new CommandError('usage', usage.oneOf('kind', AUDIT_KINDS));
      }
      tests.push((record) => record.kind === kind);
      needles.push(`"event_code":"${kind}"`);
    }
    this.#tests = tests;
    const [longest] = needles.sort((a, b) => b.length - a.length);
    this.#needle = longest === undefined ? null : Buffer.from(longest);
  }

  /** The records of a block that fit, with their lines. @returns how many lines could not be read */
  inBlock(block: Buffer, act: (record: AuditRecord, line: Buffer) => void): number {
    let unread = 0;
    const look = (line: Buffer): void => {
      const time = timeOf(line);
      if (time !== null && (time < this.sinceMs || time > this.#untilMs)) return;
      const record = readRecord(line);
      if (record === null) unread += 1;
      else if (this.#fits(record)) act(record, line);
    };
    const needle = this.#needle;
    if (needle === null) {
      eachLine(block, look);
      return unread;
    }
    for (let found = block.indexOf(needle); found >= 0;) {
      const start = block.lastIndexOf(NEWLINE, found) + 1;
      const end = block.indexOf(NEWLINE, found);
      look(block.subarray(start, end < 0 ? block.length : end));
      found = end < 0 ? -1 : block.indexOf(needle, end);
    }
    return unread;
  }

  #fits(record: AuditRecord): boolean {
    const { timeMs } = record;
    return timeMs >= this.sinceMs && timeMs <= this.#untilMs && this.#tests.every((test) => test(record));
  }
}

function when(name: string, text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const found = parseWhen(text, nowMs);
  if (found !== null) return found;
  throw new CommandError('usage', usage.time(name));
}
