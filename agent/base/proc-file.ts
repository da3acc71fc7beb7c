// Files of /proc/PID and /proc/self: small, made by the kernel while they are read, and read several times in each login.
// readFileSync asks for their size, makes a buffer and a text of its own for each: four times the time (DECISIONS.md D15).

import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';

/** A longer one is not taken; the longest, `cgroup`, has one path of 4096 bytes for each hierarchy at most. */
const MAX_BYTES = 64 * 1024;

const buffer = Buffer.alloc(MAX_BYTES);

/**
 * @param process a process id, or `self`
 * @param encoding latin1 for files that cannot hold names from outside
 * @returns null where there is no such process or file, it is hidden from us, or too long
 */
export function readProcFile(
  process: number | 'self',
  file: string,
  encoding: 'latin1' | 'utf8' = 'latin1',
): string | null {
  let fd = -1;
  try {
    fd = openSync(`/proc/${process}/${file}`, 'r');
    let length = 0;
    for (let got = -1; got !== 0; length += got) {
      if (length === MAX_BYTES) return null;
      got = readSync(fd, buffer, length, MAX_BYTES - length, null);
    }
    return buffer.toString(encoding, 0, length);
  } catch {
    return null;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** @returns null where there is no such process or link, or it is hidden from us */
export function readProcLink(process: number | 'self', link: string): string | null {
  try {
    return readlinkSync(`/proc/${process}/${link}`);
  } catch {
    return null;
  }
}
