// sc_auth audit export: records in the form that other programs read.

import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { toCef } from './cef.ts';
import { CSV_HEAD, toCsv } from './csv.ts';
import { toEcs } from './ecs.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logPath, readLog } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import type { AuditRecord } from './record.ts';

interface Format {
  readonly head: string;
  readonly line: (record: AuditRecord, line: Buffer) => string;
}

const FORMATS: Readonly<Record<string, Format>> = {
  ocsf: { head: '', line: (_record, line) => `${line.toString()}\n` },
  ecs: { head: '', line: (record) => `${toEcs(record)}\n` },
  cef: { head: '', line: (record) => `${toCef(record)}\n` },
  csv: { head: CSV_HEAD, line: toCsv },
};

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, { ...QUERY_OPTIONS, format: { type: 'string' } });
  const { format: name = 'ocsf' } = options;
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
  if (format === undefined) {
    throw new CommandError('usage', `--format takes one of: ${Object.keys(FORMATS).join(', ')}.`);
  }
  const query = new Query(options, Date.now());
  let unread = 0;
  const writer = new LineWriter(context);
  writer.put(format.head);
  await readLog(logPath(options.log, context), context, (block) => {
    unread += query.inBlock(block, (record, line) => {
      writer.put(format.line(record, line));
    });
  });
  writer.flush();
  tellUnread(context, unread);
}
