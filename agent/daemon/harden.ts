// What the process can do for the secrets in it: no core dumps, no debugger, no swap for the secret block; and how it
// ends.
// prctl(2), setrlimit(2), mlock(2), madvise(2). THREATS.md says what this does not cover.

import koffi from 'koffi';
import { secretBlock } from '../base/secret.ts';

const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;
const MADV_DONTDUMP = 16;
const PAGE_BYTES = 4096n;

const libc = koffi.load('libc.so.6');
const prctl = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const setrlimit = libc.func('int setrlimit(int resource, const uint64_t *limit)');
const mlock = libc.func('int mlock(const void *address, size_t length)');
const madvise = libc.func('int madvise(uintptr_t address, size_t length, int advice)');

const exit = libc.func('void _exit(int status)');

/** Ends the process without waiting for native calls that hang (_exit(2)). Everything that matters is closed before. */
export function exitAtOnce(status: number): void {
  exit(status);
}

/**
 * Applies what the system lets us; what fails is named in the result, for the log.
 * @returns the names of the measures that did not work; empty when all did
 */
export function hardenProcess(): string[] {
  const failed: string[] = [];
  const apply = (name: string, status: unknown): void => {
    if (status !== 0) failed.push(name);
  };
  apply('no core dump (RLIMIT_CORE)', setrlimit(RLIMIT_CORE, new BigUint64Array([0n, 0n])));
  apply('not dumpable (PR_SET_DUMPABLE)', prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
  const block = secretBlock();
  apply('secrets not in swap (mlock)', mlock(block, block.length));
  // madvise wants whole pages: those that lie wholly inside the block, and the edges hold only single slots.
  const start = koffi.address(block);
  const first = ((start + PAGE_BYTES - 1n) / PAGE_BYTES) * PAGE_BYTES;
  const end = ((start + BigInt(block.length)) / PAGE_BYTES) * PAGE_BYTES;
  apply('secrets in no dump (MADV_DONTDUMP)', madvise(first, end - first, MADV_DONTDUMP));
  return failed;
}
