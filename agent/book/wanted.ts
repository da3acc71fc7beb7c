// Keys that were put in here and that nobody knows: `fleet-wanted` says so to whoever fetches the book, and a login waits a
// moment for the answer. What was not answered is not asked for again at once.

import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { describeError } from '../base/errors.ts';
import { replaceFile } from '../base/replace-file.ts';
import type { Pkhh } from '../model/key/key.ts';

const MAX_WANTED = 64;
const NO_IS_KEPT_MS = 60_000;
const GROUP = 'scauth-fleet';

const setfsgid = koffi.load('libc.so.6').func('int setfsgid(uint32_t group)');

/** What is made meanwhile is this group's. scauthd may not give a file away, and may make one so (setfsgid(2), this thread alone). */
function asGroup(gid: number | null, make: () => void): void {
  if (gid === null) {
    make();
    return;
  }
  setfsgid(gid);
  try {
    make();
  } finally {
    setfsgid(process.getegid?.() ?? 0);
  }
}

function groupId(): number | null {
  const line = new RegExp(`^${GROUP}:[^:]*:(\\d{1,10}):`, 'm').exec(readFileSync('/etc/group', 'latin1'));
  return line === null ? null : Number(line[1]);
}

export class Wanted {
  readonly #path: string;
  readonly #log: (line: string) => void;
  readonly #monotonicMs: () => number;
  #keys: Pkhh[] = [];
  /** The file says the same. */
  #isWritten = true;
  readonly #refused = new Map<Pkhh, number>();

  constructor(path: string, monotonicMs: () => number, log: (line: string) => void) {
    this.#path = path;
    this.#monotonicMs = monotonicMs;
    this.#log = log;
  }

  /** Whether there was no answer a moment ago. */
  isRefused(key: Pkhh): boolean {
    return (this.#refused.get(key) ?? 0) > this.#monotonicMs();
  }

  refuse(keys: readonly Pkhh[]): void {
    if (this.#refused.size >= MAX_WANTED) this.#refused.clear();
    for (const key of keys) this.#refused.set(key, this.#monotonicMs() + NO_IS_KEPT_MS);
  }

  /** Newest last. Never throws: without the file nothing is fetched, and the log says so. */
  want(keys: readonly Pkhh[]): void {
    const asked = keys.filter((key) => !this.#isWritten || this.#keys.at(-1) !== key || keys.length > 1);
    if (asked.length === 0) return;
    this.#keys = [...this.#keys.filter((key) => !asked.includes(key)), ...asked].slice(-MAX_WANTED);
    this.#isWritten = false;
    try {
      const text = this.#keys.map((key) => `${key.toLowerCase()}\n`).join('');
      asGroup(groupId(), () => {
        replaceFile(this.#path, text, 0o640);
      });
      this.#isWritten = true;
    } catch (error) {
      this.#log(`fleet: ${this.#path} was not written: ${describeError(error)}`);
    }
  }
}
