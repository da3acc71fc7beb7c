// A PKCS#11 card that is pulled and put back 1,000 times: scauthd's memory on the way, and the processes that are left.
// Takes ten minutes and more, so it is no part of npm run bench. RSS has all pages, also those of files that other
// processes share; what grows by itself shows in the anonymous pages.
// Usage: node install/bootstrap.mjs test/bench/insertions.ts [TIMES] [--piv]
import { readFileSync } from 'node:fs';
import { driverPids } from '../system/drivers/processes.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { reinsert, withCard, type DriverName } from './insertion.ts';

const STEPS = 10;
const times = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 1000);
const driver: DriverName = process.argv.includes('--piv') ? 'piv' : 'pkcs11';
const step = Math.max(1, Math.ceil(times / STEPS));

/** Fields of smaps_rollup, in MiB: proc_pid_smaps(5). */
function memoryOf(sandbox: Sandbox): { rss: number; pss: number; anonymous: number } {
  const text = readFileSync(`/proc/${String(sandbox.agentHostPid)}/smaps_rollup`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? NaN) / 1024;
  return { rss: field('Rss'), pss: field('Pss'), anonymous: field('Anonymous') };
}

await withCard(driver, async (sandbox) => {
  const started = performance.now();
  console.log('times\tRSS\tPSS\tanonymous (MiB)\tdriver processes\tminutes');
  for (let time = 0; time <= times; time += 1) {
    if (time > 0) await reinsert(sandbox);
    if (time % step !== 0) continue;
    const { rss, pss, anonymous } = memoryOf(sandbox);
    const sizes = [rss, pss, anonymous].map((size) => size.toFixed(1)).join('\t');
    const processes = driverPids(sandbox, 'opensc-pkcs11.so').length;
    const minutes = ((performance.now() - started) / 60_000).toFixed(1);
    console.log(`${time}\t${sizes}\t${processes}\t${minutes}`);
  }
});
