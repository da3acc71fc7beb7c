// A certificate from a file that the administrator names, for pairing without the card. Read with a cap, parsed
// here, so that what is wrong with the file is said before scauthd is asked.

import { constants, fstatSync, openSync, type Stats } from 'node:fs';
import { AgentError } from '../../base/errors.ts';
import { closing, readAtMost } from '../../base/open-file.ts';
import { parseCertificateFile, type Certificate } from '../../model/key/key.ts';
import { certificateFile as say } from '../../words/sc-auth.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';

/** PEM of the longest certificate, with room for comments and a chain behind it. */
const MAX_FILE_BYTES = 128 * 1024;

function readCapped(fd: number): Buffer {
  const bytes = readAtMost(fd, MAX_FILE_BYTES);
  if (bytes === null) throw new CommandError('bad-certificate', say.tooLong);
  return bytes;
}

function unreadable(cause: unknown): CommandError {
  if (cause instanceof CommandError) return cause;
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return new CommandError('usage', say.unreadable(why), cause);
}

function readBytes(path: string, context: CommandContext): Buffer {
  try {
    return path === '-' ? readCapped(context.stdinFd) : closing(openSync(path, 'r'), readCapped);
  } catch (cause) {
    throw unreadable(cause);
  }
}

/**
 * The first certificate of a PEM or DER file, or of standard input for `-`.
 * @returns base64 of its DER, as io.scauth takes it
 * @throws CommandError `usage`, `bad-certificate`, `weak-key`
 */
export function readCertificateFile(path: string, context: CommandContext): string {
  return certificateOf(() => readBytes(path, context)).der.toString('base64');
}

/**
 * A certificate that a list names: of many files each is looked at more closely than one that was typed.
 * @throws CommandError `usage`, `not-allowed`, `bad-certificate`, `weak-key`
 */
export function readListedCertificate(path: string): Certificate {
  return certificateOf(() => {
    try {
      // A FIFO must not hold the list up.
      return closing(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), (fd) => {
        const stats = fstatSync(fd);
        if (!stats.isFile()) throw new CommandError('usage', say.noFile);
        requireUnshared(path, stats);
        return readCapped(fd);
      });
    } catch (cause) {
      throw unreadable(cause);
    }
  });
}

/** Whoever can write it could pair a card of their own with somebody's account. @throws CommandError `not-allowed` */
export function requireUnshared(path: string, { mode }: Pick<Stats, 'mode'>): void {
  if ((mode & 0o002) !== 0) throw new CommandError('not-allowed', say.everybodys(path));
}

function certificateOf(read: () => Buffer): Certificate {
  try {
    return parseCertificateFile(read());
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    if (cause.code === 'weak-key') throw new CommandError('weak-key', say.weakKey(cause.detail), cause);
    throw new CommandError('bad-certificate', say.notOne(cause.detail), cause);
  }
}
