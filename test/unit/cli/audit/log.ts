// Logs for the tests of sc_auth audit: written by scauthd's own writer, with a clock that the test sets.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { FileAuditLog } from '../../../../agent/audit/file-log.ts';
import type { AuditEvent } from '../../../../agent/model/sealed-log/audit-event.ts';
import { keyPath } from '../../../../agent/model/sealed-log/seal-state.ts';
import { sealLine, type ChainPosition } from '../../../../agent/model/sealed-log/sealed-line.ts';
import { login } from '../../../kit/audit/events.ts';
import { temporaryFolder } from '../../base/folders.ts';
import { runHere, type Outcome } from '../run-sc-auth.ts';

export const START_MS = Date.UTC(2026, 0, 15, 12);

/** When the last life of a scauthd began. */
let lifeMs = START_MS;

/** Appends in one life of scauthd, a second apart. */
export async function append(path: string, events: readonly AuditEvent[], fromMs?: number): Promise<void> {
  lifeMs += 3_600_000;
  let nowMs = fromMs ?? lifeMs;
  const log = new FileAuditLog(path, { nowMs: () => (nowMs += 1000), monotonicMs: () => 0 });
  await log.start();
  for (const event of events) await log.record(event);
  await log.close();
}

export function logins(count: number): AuditEvent[] {
  return Array.from({ length: count }, (_, index) => login({ kind: 'granted' }, { requestId: `r${index}` }));
}

/** A log of `count` logins in a folder of its own, and its verification key in another file. */
export async function logOf(t: ExecutionContext, count: number): Promise<{ path: string; key: string }> {
  const folder = temporaryFolder(t);
  const path = join(folder, 'audit.jsonl');
  await append(path, logins(count));
  const key = join(folder, 'kept-elsewhere');
  writeFileSync(key, readFileSync(keyPath(path)));
  return { path, key };
}

export function audit(path: string, ...args: string[]): Promise<Outcome> {
  return runHere('/absent', ['audit', ...args], { env: { SCAUTH_AUDIT_LOG: path } });
}

export function linesOf(path: string): string[] {
  return readFileSync(path, 'latin1').split('\n').slice(0, -1);
}

export function writeLines(path: string, lines: readonly string[]): void {
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''), 'latin1');
}

/** A log's lines sealed anew, from `position` on, by somebody who has its key; `change` rewrites each line before. */
export function forge(
  lines: readonly string[],
  from: ChainPosition,
  change: (line: string) => string = (line) => line,
): { lines: string[]; position: ChainPosition } {
  let position = from;
  const forged = lines.map((line) => {
    const record = JSON.parse(change(line)) as Record<'metadata' | 'unmapped', Record<string, unknown>> & {
      time: number;
    };
    delete record.metadata['sequence'];
    delete record.unmapped['prev'];
    delete record.unmapped['seal'];
    const { line: bytes, next, seal } = sealLine(record, position);
    position = { sequence: position.sequence + 1, key: next, prev: seal };
    return bytes.toString('latin1').trimEnd();
  });
  return { lines: forged, position };
}
