// Loaded into a process (`--import`): how long its longest turn of the event loop was. A timer that is due each
// millisecond comes late by the turn that it waited for. The time in which other programs had the processor is taken off,
// where the kernel says it (/proc/PID/schedstat): it is the machine's, and not the turn's. SIGUSR2 writes the figures to
// SCAUTH_TURNS and begins anew.
import { renameSync, writeFileSync } from 'node:fs';
import { now } from './instant.ts';

const file = process.env['SCAUTH_TURNS'] ?? '';

const longest = { turnMs: 0, wallMs: 0 };
let last = now();

setInterval(() => {
  const { wallMs, queuedMs } = now();
  const tookMs = wallMs - last.wallMs;
  longest.wallMs = Math.max(longest.wallMs, tookMs);
  longest.turnMs = Math.max(longest.turnMs, tookMs - (queuedMs - last.queuedMs));
  last = now();
}, 1).unref();

process.on('SIGUSR2', () => {
  writeFileSync(`${file}.new`, JSON.stringify(longest));
  renameSync(`${file}.new`, file);
  longest.turnMs = longest.wallMs = 0;
  last = now();
});
