// Kills a writer of the audit log at any moment, many times: what was granted is in the log, once; nothing torn or
// double is taken silently; the chain is whole. For killed.test.ts and killed.soak.ts.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../base/folders.ts';
import { audit } from '../cli/audit/log.ts';

const WRITER = resolve(import.meta.dirname, 'killed-writer.ts');
const LOGS = 4;

/** One life. @returns the records that were confirmed before its end */
async function lifeOf(path: string, life: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', WRITER, path, String(life)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const closed = once(child, 'close');
  // Every tenth dies at its start, wherever that is; the others after a first record, within a few writes.
  if (life % 10 === 0) await wait(60 + (life % 90));
  else await Promise.race([once(child.stdout, 'data'), closed]);
  await wait(life % 7);
  child.kill('SIGKILL');
  await closed;
  return out.split('\n').slice(0, -1);
}

async function manyLives(t: ExecutionContext, lives: number): Promise<void> {
  const path = join(temporaryFolder(t), 'audit.jsonl');
  const confirmed: string[] = [];
  for (let life = 0; life < lives; life += 1) confirmed.push(...(await lifeOf(path, life)));
  const verdict = await audit(path, 'verify', '--json');
  t.is(verdict.code, 0, verdict.out);
  const { records, good } = JSON.parse(verdict.out) as { records: number; good: number };
  t.is(records, good);
  const { out, err } = await audit(path, 'search', '--kind', 'login', '--json');
  t.is(err, '');
  const found = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { unmapped: { request_id: string } }).unmapped.request_id);
  const once = new Set(found);
  t.is(once.size, found.length);
  t.deepEqual(
    confirmed.filter((id) => !once.has(id)),
    [],
  );
  t.true(confirmed.length > lives / 2);
}

/** Kills it `kills` times in all, at several logs at once. */
export async function killedOften(t: ExecutionContext, kills: number): Promise<void> {
  await Promise.all(Array.from({ length: LOGS }, () => manyLives(t, Math.ceil(kills / LOGS))));
}
