// Opens a file that others may have put where it is: a regular one, no link at its end. What else stands there, a FIFO or a
// device, is neither waited for nor read. Whose file it is asks trusted-file.ts.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';

export type NotOpened = 'missing' | 'link' | 'not-regular' | 'unreadable';

const REASONS: Readonly<Record<string, NotOpened>> = {
  ENOENT: 'missing',
  ELOOP: 'link',
  // A socket.
  ENXIO: 'not-regular',
};

/**
 * The descriptor, for reading.
 * @param otherwise what is returned in its place, or thrown; it gets the file system's error
 */
export function openRegular<T>(path: string, otherwise: (why: NotOpened, error: Error) => T): number | T {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    return otherwise(REASONS[error.code ?? ''] ?? 'unreadable', error);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return otherwise('not-regular', new Error(`${path} is not a regular file`));
}
