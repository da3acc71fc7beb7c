// What scauth costs beside a login: the memory of scauthd at rest, how soon the command sc_auth has answered,
// and what one record on disk takes there.
// These rows have no bar. Specification: proc_pid_smaps(5).
import { constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { figure, median, type Figure } from './figures.ts';
import type { Rig } from './rig.ts';

/** About what one record of a login takes. */
const RECORD_BYTES = 900;
const DURABLE_WRITES = 30;

/** MiB in one or more fields of a process's smaps_rollup. */
export function memoryMib(pid: number, ...fields: readonly string[]): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = fields.map((field) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? NaN),
  );
  return kib.reduce((sum, value) => sum + value, 0) / 1024;
}

/** @param when what scauthd has done so far */
export function memoryAtRest(rig: Rig, when: string): Figure[] {
  const pid = rig.sandbox.agentHostPid;
  if (pid === null) throw new Error(`scauthd does not run:\n${rig.sandbox.logs()}`);
  return [
    figure(`scauthd-rss-mib-${when}`, memoryMib(pid, 'Rss'), 'MiB'),
    figure(`scauthd-private-mib-${when}`, memoryMib(pid, 'Private_Clean', 'Private_Dirty'), 'MiB'),
  ];
}

export async function commandTimes(rig: Rig, runs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const argument of ['--help', 'list']) {
    const taken: number[] = [];
    for (let run = 0; run < runs; run++) taken.push(await rig.stopwatch.time('', ['sc_auth', argument]));
    figures.push(figure(`sc_auth-${argument.replace('--', '')}-ms`, median(taken), 'ms'));
  }
  return figures;
}

/** Milliseconds until a line as long as an audit record is on the disk of `folder`: no login can be faster than that. */
export async function durableWrite(folder: string): Promise<number> {
  const own = mkdtempSync(join(folder, 'scauth-bench-'));
  const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC } = constants;
  const file = await open(join(own, 'log'), O_WRONLY | O_CREAT | O_APPEND | O_DSYNC, 0o600);
  try {
    const taken: number[] = [];
    for (let run = 0; run < DURABLE_WRITES; run++) {
      const start = performance.now();
      await file.write(`${'x'.repeat(RECORD_BYTES)}\n`);
      taken.push(performance.now() - start);
    }
    return median(taken);
  } finally {
    await file.close();
    rmSync(own, { recursive: true });
  }
}
