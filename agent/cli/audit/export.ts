// sc_auth audit export: records in the form that other programs read.

import type { CommandContext } from '../context.ts';
import { parseOptions } from '../options.ts';
import { formatOf } from './export/formats.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logPath, readLog } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, { ...QUERY_OPTIONS, format: { type: 'string' } });
  const format = formatOf(options.format ?? 'ocsf');
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
