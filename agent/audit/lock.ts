// One writer for one log: flock(2) on the file of the seal. The kernel gives it back when the process ends, however
// it ends. Node has no call for it; libc is bound by koffi.

import koffi from 'koffi';

// <sys/file.h>
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)');

/** @returns false when another process (or another descriptor of ours) has it */
export function lockExclusively(fd: number): boolean {
  return flock(fd, LOCK_EX | LOCK_NB) === 0;
}
