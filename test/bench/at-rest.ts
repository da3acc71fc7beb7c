// What scauth costs beside a login: the memory of scauthd at rest, and how soon the command sc_auth has answered.
// These rows have no bar. Specification: proc_pid_smaps(5).
import { readFileSync } from 'node:fs';
import { figure, median, type Figure } from './figures.ts';
import type { Rig } from './rig.ts';

/** MiB in one or more fields of a process's smaps_rollup. */
function memoryMib(pid: number, ...fields: readonly string[]): number {
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
