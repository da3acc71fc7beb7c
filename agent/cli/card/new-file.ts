// A file that a command writes and that must not be there before, and a request for a certificate as text.

import { readFileSync, writeFileSync } from 'node:fs';
import { toPem } from '../../base/pem.ts';
import { newFile as say } from '../../words/setup.ts';
import { CommandError } from '../exit-codes.ts';

/** PEM. @param base64 of PKCS#10, DER */
export function requestPem(base64: string): string {
  return toPem(Buffer.from(base64, 'base64'), 'CERTIFICATE REQUEST');
}

/** A file that is not there yet, for its owner alone unless `mode` says more. @throws CommandError `usage` */
export function writeNew(path: string, content: Uint8Array | string, mode = 0o600): void {
  try {
    writeFileSync(path, content, { flag: 'wx', mode });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new CommandError('usage', code === 'EEXIST' ? say.exists(path) : say.unwritable(path, code), cause);
  }
}

/** What is written later does not fail for what can be seen now. @throws CommandError `usage` */
export function requireNew(path: string): void {
  try {
    readFileSync(path, { flag: 'r' });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
  }
  throw new CommandError('usage', say.exists(path));
}
