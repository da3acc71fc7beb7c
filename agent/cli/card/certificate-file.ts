// A certificate from a file that the administrator names, for pairing without the card. Read with a cap, parsed
// here, so that what is wrong with the file is said before scauthd is asked.

import { closeSync, openSync, readSync } from 'node:fs';
import { AgentError } from '../../base/errors.ts';
import { parseCertificateFile } from '../../model/key.ts';
import { certificateFile as say } from '../../words/sc-auth.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';

/** PEM of the longest certificate, with room for comments and a chain behind it. */
const MAX_FILE_BYTES = 128 * 1024;

function readCapped(fd: number): Buffer {
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(fd, bytes, length, bytes.length - length, null);
  }
  if (length > MAX_FILE_BYTES) throw new CommandError('bad-certificate', say.tooLong);
  return bytes.subarray(0, length);
}

function readBytes(path: string, context: CommandContext): Buffer {
  let fd: number | null = null;
  try {
    if (path === '-') return readCapped(context.stdinFd);
    fd = openSync(path, 'r');
    return readCapped(fd);
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new CommandError('usage', say.unreadable(why), cause);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/**
 * The first certificate of a PEM or DER file, or of standard input for `-`.
 * @returns base64 of its DER, as io.scauth takes it
 * @throws CommandError `usage`, `bad-certificate`, `weak-key`
 */
export function readCertificateFile(path: string, context: CommandContext): string {
  try {
    return parseCertificateFile(readBytes(path, context)).der.toString('base64');
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    if (cause.code === 'weak-key') throw new CommandError('weak-key', say.weakKey(cause.detail), cause);
    throw new CommandError('bad-certificate', say.notOne(cause.detail), cause);
  }
}
