// Where the log is, and its reading from end to end.

import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { logFiles, readBlocks, type LogFile } from './log-files.ts';
import { SilentEnd } from '../exit-codes.ts';
import { Bar } from '../terminal/bar.ts';

const LOG_PATH = '/var/log/scauth/audit.jsonl';

export function logPath(option: string | undefined, context: CommandContext): string {
  const named = option ?? context.env['SCAUTH_AUDIT_LOG'];
  return named === undefined || named === '' ? LOG_PATH : resolve(named);
}

/**
 * Reads a whole log in blocks, oldest first, with a bar.
 * @param act gets each block while it is good
 * @throws CommandError `not-allowed`, `no-record`, `internal`, `reader-gone`
 */
export async function readLog(
  path: string,
  context: CommandContext,
  act: (block: Buffer, file: LogFile) => void,
  beginFile: (file: LogFile) => void = () => undefined,
): Promise<readonly LogFile[]> {
  const files = logFiles(path);
  const bar = new Bar(
    context,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  let before = 0;
  try {
    for (const file of files) {
      beginFile(file);
      const start = before;
      const blocks = readBlocks(file.path, (bytes) => {
        bar.show(start + bytes);
      });
      for await (const block of blocks) {
        act(block, file);
        const waiting = context.drained?.() ?? null;
        if (waiting !== null) await waiting;
        if (context.readerGone?.() === true) throw new SilentEnd('reader-gone');
      }
      before += file.bytes;
    }
  } finally {
    bar.clear();
  }
  return files;
}
