// The audit file: one sealed JSON object a line, appended in order, on disk before record() returns. What a line says is
// ocsf/record.ts; how it is sealed, model/sealed-log/sealed-line.ts; where the chain goes on after a start, recover.ts.
// A grant costs one write with O_DSYNC. The state of the seal follows without anybody waiting for it (seal-file.ts).
// Why: DECISIONS.md D147, D148.

import { constants, fstatSync, ftruncateSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { distrustOf } from '../base/trusted-file.ts';
import type { Anchor } from '../model/sealed-log/anchor.ts';
import type { AuditEvent } from '../model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../model/request.ts';
import type { SealState } from '../model/sealed-log/seal-state.ts';
import { MAX_LINE_BYTES, sealLine } from '../model/sealed-log/sealed-line.ts';
import type { AnchorSource, AuditLog } from './interface.ts';
import { peerOf, toOcsf } from './ocsf/record.ts';
import { cutTornLine, gap, recover } from './recover.ts';
import { requesterOf } from './requester.ts';
import { SealFile } from './seal-file.ts';

/** A clock that is corrected by so little is not set back. */
const CLOCK_TOLERANCE_MS = 2000;

/** A record that is on disk, for those who pass it on. */
export interface WrittenRecord {
  readonly event: AuditEvent;
  readonly timeMs: number;
  readonly sequence: number;
  readonly seal: string;
  /** The line without its newline. */
  readonly line: string;
}

interface Entry {
  readonly event: AuditEvent;
  readonly timeMs: number;
}

interface OpenLog {
  readonly file: FileHandle;
  readonly device: number;
  readonly inode: number;
}

export class FileAuditLog implements AuditLog, AnchorSource {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onWritten: (record: WrittenRecord) => void;
  #open: OpenLog | null = null;
  #seal: SealFile | null = null;
  #state: SealState | null = null;
  /** What has to be said before the next record. */
  #gaps: Entry[] = [];
  /** A write failed: what of it is in the file is not known. */
  #uncertain = false;
  /** Events that could not be written: how many, and the time of the first. */
  #lost = { count: 0, sinceMs: 0 };
  #last: Promise<void> = Promise.resolve();

  /**
   * @param path absolute; the folder is root's
   * @param onWritten is told of each record after it is on disk and its caller has been answered
   */
  constructor(path: string, clock: Clock, onWritten: (record: WrittenRecord) => void = () => undefined) {
    this.#path = path;
    this.#clock = clock;
    this.#onWritten = onWritten;
  }

  /** Opens the log and writes down what is wrong with it, so that this does not wait for the first event. */
  start(): Promise<void> {
    return this.#inTurn([]);
  }

  record(event: AuditEvent): Promise<void> {
    return this.#inTurn([{ event, timeMs: Math.trunc(this.#clock.nowMs()) }]);
  }

  notice(peer: PeerCredentials): void {
    requesterOf(peer);
  }

  lastRecord(): Anchor | null {
    const state = this.#state;
    if (state === null || state.sequence === 0) return null;
    return { sequence: state.sequence - 1, seal: state.prev, timeMs: state.lastMs };
  }

  #inTurn(entries: readonly Entry[]): Promise<void> {
    const written = this.#last.then(() => this.#append(entries));
    // One failed write must not fail the next: each caller sees its own.
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Waits for what is under way, closes the file and lets another scauthd have it. */
  async close(): Promise<void> {
    await this.#last;
    await this.#closeFile();
    const seal = this.#seal;
    // Nothing is saved behind its end.
    this.#seal = null;
    if (this.#state !== null) seal?.save(this.#state);
    await seal?.close();
    this.#state?.key.fill(0);
    this.#state = null;
  }

  async #append(entries: readonly Entry[]): Promise<void> {
    try {
      const log = await this.#current();
      const state = this.#state;
      if (state === null) throw new Error('no seal');
      const all = [...this.#gapsBefore(state, entries), ...entries];
      if (all.length > 0) await this.#write(log, state, all);
      this.#gaps = [];
      this.#lost = { count: 0, sinceMs: 0 };
    } catch (cause) {
      const [first] = entries;
      if (first !== undefined && this.#lost.count === 0) this.#lost.sinceMs = first.timeMs;
      this.#lost.count += entries.length;
      this.#uncertain = true;
      await this.#closeFile();
      throw new AgentError('internal', { detail: `the audit log ${this.#path} cannot be written`, cause });
    }
  }

  #gapsBefore(state: SealState, entries: readonly Entry[]): Entry[] {
    const gaps = [...this.#gaps];
    const nowMs = entries[0]?.timeMs ?? Math.trunc(this.#clock.nowMs());
    const { count, sinceMs } = this.#lost;
    if (count > 0) gaps.push({ event: gap('not-written', count, sinceMs, nowMs), timeMs: nowMs });
    if (state.lastMs > nowMs + CLOCK_TOLERANCE_MS) {
      gaps.push({ event: gap('clock-set-back', null, state.lastMs, nowMs), timeMs: nowMs });
    }
    return gaps;
  }

  /** Seals and writes all entries in one write; only then the chain goes on. */
  async #write(log: OpenLog, state: SealState, entries: readonly Entry[]): Promise<void> {
    const written: (Omit<WrittenRecord, 'line'> & { readonly line: Buffer })[] = [];
    let now = state;
    for (const { event, timeMs } of entries) {
      const peer = peerOf(event);
      const record = toOcsf(event, timeMs, peer === null ? null : requesterOf(peer));
      const { line, seal, next } = sealLine(record, now);
      if (line.length > MAX_LINE_BYTES) throw new Error(`a record of ${line.length} bytes`);
      written.push({ event, timeMs, sequence: now.sequence, seal, line });
      if (now !== state) now.key.fill(0);
      now = { sequence: now.sequence + 1, key: next, prev: seal, lastMs: timeMs };
    }
    await this.#put(log, Buffer.concat(written.map(({ line }) => line)));
    state.key.fill(0);
    this.#state = now;
    setImmediate(() => {
      // The state of now: a further record may have come, and the key of this one is gone then.
      if (this.#state !== null) this.#seal?.save(this.#state);
      for (const { line, ...record } of written)
        this.#onWritten({ ...record, line: line.toString('utf8', 0, line.length - 1) });
    });
  }

  async #put({ file }: OpenLog, bytes: Buffer): Promise<void> {
    for (;;) {
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) {
        // The rest is not there: neither is the record. What came down of it must not stand before the next.
        ftruncateSync(file.fd, fstatSync(file.fd).size - bytesWritten);
        throw new Error(`wrote ${bytesWritten} of ${bytes.length} bytes`);
      }
      // Deleted while it was written: nobody would ever read it.
      if (fstatSync(file.fd).nlink > 0) return;
      ({ file } = await this.#current());
    }
  }

  /**
   * The file that has the log's name now: logrotate may have given us another one. Opens the seal, and looks at the end
   * of the log, when that was not yet done.
   */
  async #current(): Promise<OpenLog> {
    const named = statSync(this.#path, { throwIfNoEntry: false });
    const opened = this.#open;
    if (opened !== null && named?.ino === opened.inode && named.dev === opened.device) return opened;
    await this.#closeFile();
    return this.#openFile();
  }

  async #openFile(): Promise<OpenLog> {
    // O_DSYNC: a write returns when it is on disk, in one call of the thread pool instead of two.
    const flags =
      constants.O_RDWR |
      constants.O_DSYNC |
      constants.O_APPEND |
      constants.O_CREAT |
      constants.O_NOFOLLOW |
      constants.O_NONBLOCK;
    const file = await open(this.#path, flags, 0o600);
    try {
      const stats = await file.stat();
      const why = distrustOf(stats, process.geteuid?.() ?? 0);
      if (why !== null) throw new AgentError('not-allowed', { detail: `${this.#path} ${why}` });
      this.#lockedSeal();
      const torn = cutTornLine(file.fd);
      if (torn > 0) this.#gaps.push({ event: gap('torn-record', torn, null, null), timeMs: this.#nowMs() });
      if (this.#state === null || this.#uncertain) this.#recover(file.fd);
      this.#uncertain = false;
      this.#open = { file, device: stats.dev, inode: stats.ino };
      return this.#open;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The seal, locked: before that nothing in the log is touched. */
  #lockedSeal(): SealFile {
    return (this.#seal ??= SealFile.open(this.#path));
  }

  #recover(fd: number): void {
    const seal = this.#lockedSeal();
    const { state, gaps } = recover(this.#path, fd, this.#state ?? seal.read(), () => seal.begin(this.#path));
    this.#state = state;
    this.#gaps.push(...gaps.map((event) => ({ event, timeMs: this.#nowMs() })));
  }

  #nowMs(): number {
    return Math.trunc(this.#clock.nowMs());
  }

  async #closeFile(): Promise<void> {
    const opened = this.#open;
    this.#open = null;
    await opened?.file.close().catch(() => undefined);
  }
}
