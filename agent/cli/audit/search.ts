// sc_auth audit search: the records that fit, oldest first.

import type { CommandContext } from '../context.ts';
import { parseOptions } from '../options.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logPath, readLog } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, QUERY_OPTIONS);
  const query = new Query(options, Date.now());
  const writer = new LineWriter(context);
  let unread = 0;
  await readLog(logPath(options.log, context), context, (block) => {
    unread += query.inBlock(block, (record, line) => {
      writer.add(record, line);
    });
  });
  writer.flush();
  tellUnread(context, unread);
}
