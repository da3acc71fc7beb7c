// A file that is read whole: keys, the state of the seal, anchors. What is too long is none of them.

import { readFileSync } from 'node:fs';
import { file as say } from '../../words/audit-log.ts';
import { CommandError } from '../exit-codes.ts';
import { unreadable } from './log-files.ts';

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * @returns null when there is no such file
 * @throws CommandError `not-allowed`, `usage`, `internal`
 */
export function contentOf(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_FILE_BYTES) throw new CommandError('usage', say.tooLong(path));
    return bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unreadable(path, error);
  }
}
