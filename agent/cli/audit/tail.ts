// sc_auth audit tail: the last records that fit; with -f also what comes, over logrotate's change of files.

import { usage } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { Follower } from './follower.ts';
import { formatOf } from './export/formats.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logFiles, readBlocks } from './log-files.ts';
import { logPath } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import type { AuditRecord } from './record.ts';

const MAX_LINES = 100_000;

interface Found {
  readonly record: AuditRecord;
  readonly line: Buffer;
}

/** The last `wanted` records that fit, from as many files as it takes. */
async function lastOf(
  path: string,
  wanted: number,
  query: Query,
): Promise<{ found: Found[]; unread: number }> {
  let found: Found[] = [];
  let unread = 0;
  for (const file of logFiles(path).reverse()) {
    const missing = wanted - found.length;
    if (missing <= 0) break;
    const inFile: Found[] = [];
    for await (const block of readBlocks(file.path)) {
      unread += query.inBlock(block, (record, line) => {
        inFile.push({ record, line: Buffer.from(line) });
        if (inFile.length > 2 * missing) inFile.splice(0, inFile.length - missing);
      });
    }
    found = [...inFile.slice(-missing), ...found];
  }
  return { found: found.slice(wanted === 0 ? found.length : -wanted), unread };
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, {
    ...QUERY_OPTIONS,
    lines: { type: 'string', short: 'n' },
    follow: { type: 'boolean', short: 'f' },
    format: { type: 'string' },
  });
  const wanted = Number(options.lines ?? 10);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > MAX_LINES) {
    throw new CommandError('usage', usage.lines(MAX_LINES));
  }
  const path = logPath(options.log, context);
  const query = new Query(options, Date.now());
  const format = options.format === undefined ? null : formatOf(options.format);
  const writer = new LineWriter(context);
  const put = (record: AuditRecord, line: Buffer): void => {
    if (format === null) writer.add(record, line);
    else writer.put(format.line(record, line));
  };
  writer.put(format?.head ?? '');
  const show = (block: Buffer): void => {
    const unread = query.inBlock(block, put);
    writer.flush();
    tellUnread(context, unread);
  };
  const follower = options.follow === true ? new Follower(path, show) : null;
  const last = await lastOf(path, wanted, query);
  for (const { record, line } of last.found) put(record, line);
  writer.flush();
  tellUnread(context, last.unread);
  if (follower === null) return;
  await follower.follow(context);
}
