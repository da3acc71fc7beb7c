// The machine's clock: certificates, revocation answers and the audit log go by it.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clock as say } from '../../words/doctor.ts';
import { broken, ok, type Check } from './check.ts';

/** A file system's clock may be a little ahead of ours. */
const SLACK_MS = 5 * 60 * 1000;
/** Written to at each event, and never from the future. */
const AUDIT_LOG = '/var/log/scauth/audit.jsonl';

function writtenMs(path: string): number | null {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return null;
  }
}

/** @param root where `/` is found; other than `/` in tests */
export function checkClock(
  nowMs = Date.now(),
  root = '/',
  program = fileURLToPath(import.meta.url),
): Check[] {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  const builtMs = writtenMs(program);
  if (builtMs !== null && nowMs < builtMs - SLACK_MS)
    return [broken('clock', ...say.beforeBuild(day(nowMs), day(builtMs)))];
  const loggedMs = writtenMs(join(root, AUDIT_LOG));
  if (loggedMs !== null && nowMs < loggedMs - SLACK_MS)
    return [broken('clock', ...say.setBack(day(nowMs), day(loggedMs)))];
  return [ok('clock', `${day(nowMs)} UTC`)];
}
