// What is done with a file while it is open.

import { closeSync, fsyncSync, openSync, readSync } from 'node:fs';

const PART_BYTES = 64 * 1024;

/** Closes it on each path. */
export function closing<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Puts on the disk what is in a file, or which names are in a folder. */
export function syncPath(path: string): void {
  closing(openSync(path, 'r'), fsyncSync);
}

/** All that is there to be read; null: it is longer. */
export function readAtMost(fd: number, maxBytes: number): Buffer | null {
  const parts: Buffer[] = [];
  for (let length = 0; length <= maxBytes;) {
    const part = Buffer.allocUnsafe(Math.min(PART_BYTES, maxBytes + 1 - length));
    const read = readSync(fd, part, 0, part.length, null);
    if (read === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, read));
    length += read;
  }
  return null;
}
