// sc_auth audit page: records that fit, the newest first, a page at a time; with -f also what comes. For programs that show
// the log (agent/console): with --json each page is one line.

import { usage } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { escaped } from '../terminal/output.ts';
import { Follower } from './follower.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logPath } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import { parsePlace, placeText, readBack, type Found, type Part } from './read-back.ts';

const MAX_RECORDS = 1000;

/** One line. */
function documentOf(found: readonly Found[], rest: Readonly<Record<string, unknown>>): string {
  const records = found.map(({ line }) => line.toString()).join(',');
  return `${escaped(`{"records":[${records}],${JSON.stringify(rest).slice(1)}`)}\n`;
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, {
    ...QUERY_OPTIONS,
    lines: { type: 'string', short: 'n' },
    before: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
  });
  const wanted = Number(options.lines ?? 100);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_RECORDS)
    throw new CommandError('usage', usage.pageLines(MAX_RECORDS));
  const path = logPath(options.log, context);
  const query = new Query(options, Date.now());
  const { json } = context.output;
  const put = ({ found, older, backToMs, unread }: Part): void => {
    if (json) {
      const rest = { older: older === null ? null : placeText(older), backTo: backToMs, unread };
      context.writeOut(documentOf(found, rest));
      return;
    }
    const writer = new LineWriter(context);
    for (const { record, line } of found) writer.add(record, line);
    writer.flush();
    tellUnread(context, unread);
    if (older !== null) context.output.note(usage.older(placeText(older)));
  };
  const comes = (block: Buffer): void => {
    const found: Found[] = [];
    const unread = query.inBlock(block, (record, line) => {
      found.unshift({ record, line: Buffer.from(line) });
    });
    if (found.length > 0 || unread > 0) put({ found, older: null, backToMs: null, unread });
  };
  // Opened before the page is read, and the page ends where it begins: nothing is missed, nothing comes twice.
  const follower = options.follow === true ? new Follower(path, comes) : null;
  const before = options.before === undefined ? (follower?.place ?? null) : parsePlace(options.before);
  put(await readBack(path, before, query, wanted));
  await follower?.follow(context);
}
