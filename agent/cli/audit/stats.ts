// sc_auth audit stats: how many of what.

import { verdict } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { parseOptions } from '../options.ts';
import { tellUnread } from './lines.ts';
import { logPath, readLog } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import { Tally, type Counter } from './tally.ts';
import { timeText } from '../../base/local-time.ts';

const SHOWN = 10;

function part(title: string, counter: Counter): string[] {
  const top = counter.top(SHOWN);
  if (top.length === 0) return [];
  const more = counter.counts.size - top.length;
  return [
    '',
    title,
    ...top.map(([name, count]) => `${String(count).padStart(9)}  ${name}`),
    ...(more > 0 ? [`           … ${more} more: --json`] : []),
  ];
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, QUERY_OPTIONS);
  const query = new Query(options, Date.now());
  const tally = new Tally();
  let unread = 0;
  await readLog(logPath(options.log, context), context, (block) => {
    unread += query.inBlock(block, (record) => {
      tally.add(record);
    });
  });
  const { records, kinds, outcomes, reasons, services, users, keys, gaps } = tally;
  const [since, until] = records === 0 ? [null, null] : [tally.firstMs, tally.lastMs];
  const list = (counter: Counter) => counter.top().map(([name, count]) => ({ name, count }));
  context.output.result(
    {
      records,
      since,
      until,
      kinds: list(kinds),
      outcomes: list(outcomes),
      reasons: list(reasons),
      services: list(services),
      users: list(users),
      keys: list(keys).map((key) => ({ ...key, owners: [...(tally.owners.get(key.name) ?? [])] })),
      gaps: list(gaps),
      days: [...tally.days]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([day, counts]) => ({ day, ...counts })),
    },
    [
      since === null ? verdict.noneFits : `${records} records, ${timeText(since)} to ${timeText(until)}`,
      ...part('Kinds', kinds),
      ...part('Logins', outcomes),
      ...part('Reasons', reasons),
      ...part('Services', services),
      ...part('Accounts', users),
      ...part('Keys', keys),
      ...part('Gaps', gaps),
    ],
  );
  tellUnread(context, unread);
}
