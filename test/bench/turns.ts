// Loaded into a process (`--import`): how long its longest turn of the event loop was. A timer that is due each
// millisecond comes late by the turn that it waited for. SIGUSR2 writes the figures to SCAUTH_TURNS and begins anew.
import { writeFileSync } from 'node:fs';

const file = process.env['SCAUTH_TURNS'] ?? '';
const longest = { wallMs: 0, cpuMs: 0 };
let wallMs = performance.now();
let cpu = process.threadCpuUsage();

function cpuMs({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

setInterval(() => {
  const now = performance.now();
  longest.wallMs = Math.max(longest.wallMs, now - wallMs);
  // What others of this machine use up is no part of the turn.
  longest.cpuMs = Math.max(longest.cpuMs, cpuMs(process.threadCpuUsage(cpu)));
  wallMs = now;
  cpu = process.threadCpuUsage();
}, 1).unref();

process.on('SIGUSR2', () => {
  writeFileSync(file, JSON.stringify(longest));
  longest.wallMs = longest.cpuMs = 0;
  wallMs = performance.now();
  cpu = process.threadCpuUsage();
});
