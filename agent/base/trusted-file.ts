// Reads a file that decides something: absolute path, no link at its end, a regular file, owned by us (root), not
// writable by others, only one name. Checked on the open descriptor, so nothing can be swapped in between.

import { closeSync, fstatSync, lstatSync, type Stats } from 'node:fs';
import { isAbsolute } from 'node:path';
import { AgentError } from './errors.ts';
import { closing, readAtMost } from './open-file.ts';
import { openRegular } from './regular-file.ts';

/** Why a file may not be trusted, or null. `ownerUid` is who must own it. */
export function distrustOf(stats: Stats, ownerUid: number): string | null {
  if (!stats.isFile()) return 'is not a regular file';
  if (stats.uid !== ownerUid && stats.uid !== 0) return `is owned by uid ${stats.uid}`;
  if ((stats.mode & 0o022) !== 0) return 'can be written by others (chmod go-w)';
  if (stats.nlink !== 1) return 'has more than one name (hard link)';
  return null;
}

/**
 * A folder whose files decide something: no link, owned by us (root), not writable by others.
 * @returns false when there is no such folder
 * @throws AgentError `not-allowed`; the file system's own error
 */
export function checkTrustedFolder(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  const ours = stats.uid === 0 || stats.uid === (process.geteuid?.() ?? 0);
  if (!stats.isDirectory() || !ours || (stats.mode & 0o022) !== 0) {
    throw new AgentError('not-allowed', { detail: `${folder} must be a folder that only root can write` });
  }
  return true;
}

/**
 * Opens `path` for reading by the rules above and returns the descriptor. A FIFO does not block.
 * @returns null when there is no such file
 * @throws AgentError `not-allowed` for a file that breaks a rule; the file system's own error otherwise
 */
export function openTrusted(path: string): number | null {
  if (!isAbsolute(path)) throw new AgentError('not-allowed', { detail: `${path} is not an absolute path` });
  const fd = openRegular(path, (why, error) => {
    if (why === 'missing') return null;
    if (why === 'unreadable') throw error;
    const what = why === 'link' ? 'is a symbolic link' : 'is not a regular file';
    throw new AgentError('not-allowed', { detail: `${path} ${what}`, cause: error });
  });
  if (fd === null) return null;
  const why = distrustOf(fstatSync(fd), process.geteuid?.() ?? 0);
  if (why !== null) {
    closeSync(fd);
    throw new AgentError('not-allowed', { detail: `${path} ${why}` });
  }
  return fd;
}

/**
 * The content of a trusted file of at most `maxBytes`.
 * @returns null when there is no such file
 * @throws AgentError `not-allowed`, `malformed` (too long); the file system's own error
 */
export function readTrustedFile(path: string, maxBytes: number): Buffer | null {
  const fd = openTrusted(path);
  if (fd === null) return null;
  const bytes = closing(fd, () => readAtMost(fd, maxBytes));
  if (bytes === null)
    throw new AgentError('malformed', { detail: `${path} is longer than ${maxBytes} bytes` });
  return bytes;
}
