// sc_auth audit report --html FILE: one page for people who read no logs. The page itself is report/page.ts.

import { constants, fchmodSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { closing } from '../../base/open-file.ts';
import { keyPath } from '../../model/sealed-log/seal-state.ts';
import { faultText, file as say, page, usage } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { tellUnread } from './lines.ts';
import { logPath, readLog } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import { reportPage, type SealWord } from './report/page.ts';
import { Tally } from './tally.ts';
import { checkLog, readKeys } from './verify.ts';

async function sealWord(
  path: string,
  option: string | undefined,
  context: CommandContext,
): Promise<SealWord> {
  if (option === undefined) {
    return {
      state: 'unchecked',
      text: page.unchecked(keyPath(path)),
      faults: [],
    };
  }
  const keys = readKeys(path, option, context);
  const { check } = await checkLog(path, context, { keys });
  for (const key of keys) key.fill(0);
  const { good, faultCount, faults } = check;
  return faultCount === 0
    ? {
        state: 'whole',
        text: page.whole(good),
        faults: [],
      }
    : {
        state: 'broken',
        text: page.broken(good),
        faults: faults.map(faultText),
      };
}

/** A new file, or a regular one that is written anew; the log is for root's eyes and so is what comes out of it. */
function write(path: string, text: string): void {
  let fd: number;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    fd = openSync(path, flags, 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    throw new CommandError('internal', say.notWritten(path, code), cause);
  }
  closing(fd, () => {
    fchmodSync(fd, 0o600);
    writeSync(fd, text);
  });
}

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, {
    ...QUERY_OPTIONS,
    html: { type: 'string' },
    'verify-key': { type: 'string' },
  });
  if (options.html === undefined) {
    throw new CommandError('usage', usage.whereTo);
  }
  const query = new Query(options, Date.now());
  const path = logPath(options.log, context);
  const tally = new Tally();
  let unread = 0;
  await readLog(path, context, (block) => {
    unread += query.inBlock(block, (record) => {
      tally.add(record);
    });
  });
  const seal = await sealWord(path, options['verify-key'], context);
  const filter = (['user', 'service', 'key', 'outcome', 'kind', 'since', 'until'] as const).flatMap(
    (name) => {
      const value = options[name];
      return value === undefined ? [] : [`${name} ${value}`];
    },
  );
  write(options.html, reportPage(tally, { seal, unread, host: hostname(), madeMs: Date.now(), filter }));
  context.output.result({ file: options.html, records: tally.records, unread, seal: seal.state }, [
    `${options.html}: ${tally.records} records.`,
  ]);
  tellUnread(context, unread);
}
