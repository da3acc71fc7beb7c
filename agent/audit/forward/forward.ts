// Passes records on to where security teams collect: the journal, syslog, Linux audit, each on or off. What is passed on
// is on disk already, and nobody waits for it. Each anchor fixes all records up to it (model/sealed-log/anchor.ts): the first of a
// life, then one after so many records.
// Why: DECISIONS.md D162.

import { describeError } from '../../base/errors.ts';
import { anchorText } from '../../model/sealed-log/anchor.ts';
import { DatagramSender } from './datagram.ts';
import type { WrittenRecord } from '../file-log.ts';
import { JOURNAL_SOCKET, journalEntry } from './journal.ts';
import { LinuxAudit } from './linux-audit.ts';
import { summaryOf, type Summary } from '../summary.ts';
import { SYSLOG_SOCKET, syslogMessage } from './syslog.ts';

export type ForwardTo = 'journal' | 'syslog' | 'linux-audit';

export interface ForwardOptions {
  readonly to: readonly ForwardTo[];
  /** Records from one anchor to the next; 0: none. */
  readonly anchorEvery: number;
  readonly log: (line: string) => void;
  readonly journalSocket?: string;
  readonly syslogSocket?: string;
}

const NOTICE = 5;
/** Longest time for which dropped datagrams are not mentioned. */
const TELL_EVERY_MS = 60_000;

export class Forwarder {
  readonly #options: ForwardOptions;
  readonly #journal: DatagramSender | null;
  readonly #syslog: DatagramSender | null;
  readonly #linuxAudit: LinuxAudit | null;
  #sinceAnchor = Infinity;
  #told = { dropped: 0, atMs: -TELL_EVERY_MS };

  constructor(options: ForwardOptions) {
    const { to, log, journalSocket = JOURNAL_SOCKET, syslogSocket = SYSLOG_SOCKET } = options;
    this.#options = options;
    this.#journal = to.includes('journal') ? new DatagramSender(journalSocket) : null;
    this.#syslog = to.includes('syslog') ? new DatagramSender(syslogSocket) : null;
    this.#linuxAudit = to.includes('linux-audit') ? new LinuxAudit(log) : null;
  }

  /** Never throws, never waits. */
  pass(record: WrittenRecord): void {
    try {
      this.#pass(record);
    } catch (error) {
      this.#options.log(`record ${record.sequence} was not passed on: ${describeError(error)}`);
    }
  }

  #pass(record: WrittenRecord): void {
    const { sequence, seal, timeMs, event } = record;
    const summary = summaryOf(event);
    const place = { sequence: String(sequence), seal };
    this.#send(summary, timeMs, place, { SCAUTH_RECORD: record.line });
    this.#linuxAudit?.send(summary);
    this.#sinceAnchor += 1;
    const { anchorEvery } = this.#options;
    if (anchorEvery > 0 && this.#sinceAnchor >= anchorEvery) {
      this.#sinceAnchor = 0;
      const message = anchorText({ sequence, seal, timeMs });
      this.#send({ kind: 'anchor', priority: NOTICE, message, fields: {} }, timeMs, place, {});
    }
    this.#tellDropped();
  }

  #send(
    summary: Summary,
    timeMs: number,
    place: Readonly<Record<'sequence' | 'seal', string>>,
    more: Readonly<Record<string, string>>,
  ): void {
    const { sequence, seal } = place;
    this.#journal?.send(journalEntry(summary, { SCAUTH_SEQUENCE: sequence, SCAUTH_SEAL: seal, ...more }));
    this.#syslog?.send(syslogMessage(summary, timeMs, place));
  }

  #tellDropped(): void {
    const dropped = (this.#journal?.dropped ?? 0) + (this.#syslog?.dropped ?? 0);
    const now = performance.now();
    if (dropped === this.#told.dropped || now - this.#told.atMs < TELL_EVERY_MS) return;
    this.#told = { dropped, atMs: now };
    this.#options.log(
      `${dropped} audit messages were not taken by the journal or syslog; the audit log has them`,
    );
  }

  close(): void {
    this.#journal?.close();
    this.#syslog?.close();
    this.#linuxAudit?.close();
  }
}
