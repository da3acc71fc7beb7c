// Puts a file in another one's place: whole or not at all, and on the disk before it counts.

import { fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { closing, syncPath } from './open-file.ts';

/**
 * @param mode less the umask, where that is heeded
 * @param umask ignored: others have to read it, whatever the umask is
 * @throws the file system's error; the old file stays, and nothing beside it
 */
export function replaceFile(
  path: string,
  content: Uint8Array | string,
  mode: number,
  umask: 'heeded' | 'ignored' = 'heeded',
): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  try {
    // No link is followed: what is not there is made.
    closing(openSync(beside, 'wx', mode), (fd) => {
      if (umask === 'ignored') fchmodSync(fd, mode);
      writeFileSync(fd, content);
      fsyncSync(fd);
    });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  syncPath(dirname(path));
}
