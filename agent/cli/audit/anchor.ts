// sc_auth audit anchor: the number and seal of the last record, to be kept outside this machine.

import { anchorText } from '../../model/anchor.ts';
import { parseSealedLine } from '../../model/sealed-line.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { eachLine, logFiles, readBlocks } from './log-files.ts';
import { logPath } from './place.ts';

export async function action(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('audit', args, { log: { type: 'string' } });
  const path = logPath(options.log, context);
  for (const file of logFiles(path).reverse()) {
    let last: Buffer | null = null;
    for await (const block of readBlocks(file.path)) {
      eachLine(block, (line, whole) => {
        if (whole) last = line;
      });
      last = last === null ? null : Buffer.from(last);
    }
    const line = last === null ? null : parseSealedLine(last);
    if (line === null) continue;
    const { sequence, seal, timeMs } = line;
    const anchor = { sequence, seal, timeMs };
    context.output.result(anchor, [anchorText(anchor)]);
    return;
  }
  throw new CommandError('no-record', `${path} has no record yet. The first login makes one.`);
}
