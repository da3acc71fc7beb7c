// Where the log is, and a bar that shows how far a long reading has come.

import { resolve } from 'node:path';
import type { CommandContext } from '../context.ts';
import { logFiles, readBlocks, type LogFile } from './log-files.ts';
import { SilentEnd } from '../exit-codes.ts';

const LOG_PATH = '/var/log/scauth/audit.jsonl';
const BAR_AFTER_MS = 700;
const BAR_EVERY_MS = 100;
const BAR_CELLS = 30;

export function logPath(option: string | undefined, context: CommandContext): string {
  const named = option ?? context.env['SCAUTH_AUDIT_LOG'];
  return named === undefined || named === '' ? LOG_PATH : resolve(named);
}

/** A bar on standard error, if that is a terminal and the work is long. */
class Bar {
  readonly #context: CommandContext;
  readonly #total: number;
  readonly #sinceMs = performance.now();
  #shownMs = 0;

  constructor(context: CommandContext, total: number) {
    this.#context = context;
    this.#total = total;
  }

  show(done: number): void {
    const now = performance.now();
    if (this.#context.errIsTerminal !== true || this.#total === 0) return;
    if (now - this.#sinceMs < BAR_AFTER_MS || now - this.#shownMs < BAR_EVERY_MS) return;
    this.#shownMs = now;
    const part = Math.min(1, done / this.#total);
    const cells = Math.round(part * BAR_CELLS);
    const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
    this.#context.writeErr(`\r${bar} ${String(Math.floor(part * 100)).padStart(3)} %`);
  }

  clear(): void {
    if (this.#shownMs > 0) this.#context.writeErr(`\r${' '.repeat(BAR_CELLS + 8)}\r`);
  }
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
