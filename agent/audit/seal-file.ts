// The state of the seal beside the log (`audit.jsonl.seal`): the number and the key of the next record. It is held
// locked as long as scauthd writes the log.
// The log is ahead of it, never the other way: the record is on disk first, then the state follows without anybody
// waiting for it, and a start walks the chain on from here to the end of the log (recover.ts). Two slots are written one
// after the other, in place, so that one is whole at each moment and no copy of an old key stays in the file.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { AgentError } from '../base/errors.ts';
import { closing, syncPath } from '../base/open-file.ts';
import { distrustOf } from '../base/trusted-file.ts';
import {
  decodeSealFile,
  encodeSlot,
  keyPath,
  sealPath,
  SLOT_BYTES,
  SLOTS,
  type SealState,
} from '../model/sealed-log/seal-state.ts';
import { chainName } from '../model/sealed-log/sealed-line.ts';
import { lockExclusively } from './lock.ts';

/** How long after a record the state goes to the disk itself; until then it is in the kernel's memory. */
const SYNC_AFTER_MS = 500;

const writeAt = promisify(write);
const syncData = promisify(fdatasync);

const PRIVATE = constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openOwn(path: string, flags: number): number {
  const fd = openSync(path, flags | PRIVATE, 0o600);
  const why = distrustOf(fstatSync(fd), process.geteuid?.() ?? 0);
  if (why === null) return fd;
  closeSync(fd);
  throw new AgentError('not-allowed', { detail: `${path} ${why}` });
}

export class SealFile {
  readonly #fd: number;
  #wanted: SealState | null = null;
  #saving: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Opens and locks the seal of a log.
   * @throws AgentError `not-allowed` (links, other owners), `internal` (another scauthd writes this log)
   */
  static open(logPath: string): SealFile {
    const fd = openOwn(sealPath(logPath), constants.O_RDWR);
    if (lockExclusively(fd)) return new SealFile(fd);
    closeSync(fd);
    throw new AgentError('internal', { detail: `another scauthd writes ${logPath}` });
  }

  /** @returns null for a new seal, or one of which nothing is left */
  read(): SealState | null {
    const bytes = Buffer.alloc(SLOTS[1] + SLOT_BYTES);
    const length = readSync(this.#fd, bytes, 0, bytes.length, 0);
    const state = decodeSealFile(bytes.subarray(0, length));
    bytes.fill(0);
    return state;
  }

  /**
   * Begins a chain: a fresh key, kept for the administrator in `audit.jsonl.key` until they take it away, on disk
   * before the first record is sealed with it.
   */
  begin(logPath: string): SealState {
    const key = randomBytes(32);
    closing(openOwn(keyPath(logPath), constants.O_WRONLY | constants.O_APPEND), (fd) => {
      writeSync(fd, `${key.toString('base64url')}\n`);
      fsyncSync(fd);
    });
    const state: SealState = { sequence: 0, key, prev: chainName(key), lastMs: 0 };
    const slot = encodeSlot(state);
    for (const at of SLOTS) writeSync(this.#fd, slot, 0, SLOT_BYTES, at);
    slot.fill(0);
    fsyncSync(this.#fd);
    syncPath(dirname(logPath));
    return state;
  }

  /** Puts the state into the file, at once and without a wait; on the disk a little later. Keeps a copy of the key. */
  save(state: SealState): void {
    this.#wanted?.key.fill(0);
    this.#wanted = { ...state, key: Buffer.from(state.key) };
    this.#saving ??= this.#write().finally(() => {
      this.#saving = null;
    });
  }

  async #write(): Promise<void> {
    for (let state = this.#wanted; state !== null; state = this.#wanted) {
      this.#wanted = null;
      const slot = encodeSlot(state);
      state.key.fill(0);
      try {
        for (const at of SLOTS) await writeAt(this.#fd, slot, 0, SLOT_BYTES, at);
      } catch {
        // A full disk does not keep a file from being overwritten in place; whatever it is, the chain can be walked
        // on from the older state.
      } finally {
        slot.fill(0);
      }
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void syncData(this.#fd).catch(() => undefined);
    }, SYNC_AFTER_MS).unref();
  }

  /** Waits until the last state is on disk, and unlocks. */
  async close(): Promise<void> {
    await this.#saving;
    this.#stopTimer();
    await syncData(this.#fd).catch(() => undefined);
    closeSync(this.#fd);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
