// Records as lines: for people, and as JSON that is safe to look at.

import { printable } from '../../base/errors.ts';
import { verdict } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { escaped } from '../terminal/output.ts';
import type { AuditRecord } from './record.ts';
import { timeText } from '../../base/local-time.ts';

function column(text: string, width: number): string {
  return printable(text, width).padEnd(width);
}

/** One line for people. */
function lineFor(record: AuditRecord): string {
  const { kind, outcome, reason, user, service, pkhh, token, tty, rhost, rule, detail } = record;
  const what = kind === 'login' ? outcome : outcome === 'failure' ? `${kind} failed` : kind;
  const more: readonly (readonly [string, string | null])[] = [
    ['', reason],
    ['key ', pkhh],
    ['card ', token],
    ['on ', tty],
    ['from ', rhost === '' ? null : rhost],
    ['by uid ', kind === 'login' ? null : record.actorUid],
    ['rule ', rule],
    ['', detail],
  ];
  return [
    timeText(record.timeMs),
    column(what, 16),
    column(user ?? '-', 12),
    column(service ?? '-', 14),
    ...more.flatMap(([name, value]) =>
      value === null || value === '' ? [] : [name + printable(value, 120)],
    ),
  ]
    .join('  ')
    .trimEnd();
}

/** Text that is collected before it is written. */
const WRITE_CHARS = 1 << 16;

/** Writes records as lines, many at a time. */
export class LineWriter {
  readonly #context: CommandContext;
  #text = '';

  constructor(context: CommandContext) {
    this.#context = context;
  }

  add(record: AuditRecord, line: Buffer): void {
    this.put(`${this.#context.output.json ? escaped(line.toString()) : lineFor(record)}\n`);
  }

  put(text: string): void {
    this.#text += text;
    if (this.#text.length >= WRITE_CHARS) this.flush();
  }

  flush(): void {
    if (this.#text !== '') this.#context.writeOut(this.#text);
    this.#text = '';
  }
}

/** What could not be read is said, never left out silently. */
export function tellUnread(context: CommandContext, unread: number): void {
  if (unread === 0) return;
  context.output.note(verdict.unread(unread));
}
