// The audit file: one JSON object a line, appended and fsynced in order. What a line says is ocsf.ts.

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { distrustOf } from '../base/trusted-file.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import type { AuditLog } from './interface.ts';
import { toOcsf } from './ocsf.ts';

export class FileAuditLog implements AuditLog {
  readonly #path: string;
  readonly #clock: Clock;
  #file: FileHandle | null = null;
  #last: Promise<void> = Promise.resolve();

  /** @param path absolute; the folder is root's */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  record(event: AuditEvent): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(toOcsf(event, this.#clock.nowMs()))}\n`);
    const written = this.#last.then(() => this.#append(line));
    // One failed write must not fail the next: each caller sees its own.
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Waits for what is under way and closes the file. */
  async close(): Promise<void> {
    await this.#last;
    await this.#file?.close();
    this.#file = null;
  }

  async #append(line: Buffer): Promise<void> {
    try {
      this.#file ??= await this.#open();
      const { bytesWritten } = await this.#file.write(line);
      if (bytesWritten !== line.length) throw new Error(`wrote ${bytesWritten} of ${line.length} bytes`);
    } catch (cause) {
      await this.#file?.close().catch(() => undefined);
      this.#file = null;
      throw new AgentError('internal', { detail: `the audit log ${this.#path} cannot be written`, cause });
    }
  }

  /** O_DSYNC: a write returns when it is on disk, in one call of the thread pool instead of two. */
  async #open(): Promise<FileHandle> {
    const flags =
      constants.O_RDWR |
      constants.O_DSYNC |
      constants.O_APPEND |
      constants.O_CREAT |
      constants.O_NOFOLLOW |
      constants.O_NONBLOCK;
    const file = await open(this.#path, flags, 0o600);
    const why = distrustOf(await file.stat(), process.geteuid?.() ?? 0);
    if (why === null) {
      // A write that was cut off (full disk, power) left half a line: the next one must not be glued to it.
      if (await endsInsideLine(file)) await file.write('\n');
      return file;
    }
    await file.close();
    throw new AgentError('not-allowed', { detail: `${this.#path} ${why}` });
  }
}

async function endsInsideLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}
