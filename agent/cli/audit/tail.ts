// sc_auth audit tail: the last records that fit; with -f also what comes, over logrotate's change of files.

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { usage } from '../../words/audit-log.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, SilentEnd } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { formatOf } from './format/formats.ts';
import { LineWriter, tellUnread } from './lines.ts';
import { logFiles, readBlocks, unreadable } from './log-files.ts';
import { logPath } from './place.ts';
import { Query, QUERY_OPTIONS } from './query.ts';
import type { AuditRecord } from './record.ts';

const LOOK_EVERY_MS = 250;
const CHUNK_BYTES = 1 << 16;
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

/** What is written to the file of this name from now on. */
class Follower {
  readonly #path: string;
  readonly #act: (block: Buffer) => void;
  #fd: number | null = null;
  #at = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string, act: (block: Buffer) => void) {
    this.#path = path;
    this.#act = act;
    this.#open();
    if (this.#fd !== null) this.#at = fstatSync(this.#fd).size;
  }

  #open(): void {
    try {
      this.#fd = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(this.#path, error);
    }
    this.#at = 0;
  }

  /** Reads what is there; the old file to its end before the new one. */
  look(): void {
    this.#drain();
    const named = statSync(this.#path, { throwIfNoEntry: false });
    if (named === undefined) return;
    if (this.#fd !== null) {
      const opened = fstatSync(this.#fd);
      if (opened.ino === named.ino && opened.dev === named.dev) {
        if (opened.size < this.#at) this.#at = 0;
        return;
      }
      this.#drain();
      this.close();
    }
    this.#open();
    this.#drain();
  }

  #drain(): void {
    if (this.#fd === null) return;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let got = -1; got !== 0;) {
      got = readSync(this.#fd, chunk, 0, chunk.length, this.#at);
      this.#at += got;
      const bytes = Buffer.concat([this.#rest, chunk.subarray(0, got)]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      if (end > 0) this.#act(bytes.subarray(0, end));
      // A line without an end does not grow for ever here.
      this.#rest = bytes.length - end > 16 * CHUNK_BYTES ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
    this.#rest = Buffer.alloc(0);
  }
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
  const gone = new AbortController();
  const timer = setInterval(() => {
    follower.look();
    if (context.readerGone?.() === true) gone.abort();
  }, LOOK_EVERY_MS);
  try {
    await once(gone.signal, 'abort');
  } finally {
    clearInterval(timer);
    follower.close();
  }
  throw new SilentEnd('reader-gone');
}
