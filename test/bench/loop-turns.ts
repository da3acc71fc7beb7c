// Measures the event loop of a scauthd from inside, for benchmarks and soak tests: NODE_OPTIONS=--import of this file.
// At SIGUSR2 it writes the longest turn since the last SIGUSR2, in ms, into the file LOOP_TURNS_FILE, and begins anew.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env['LOOP_TURNS_FILE'];
if (file !== undefined) {
  // A timer each millisecond: what it is late by is what the turn took.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('SIGUSR2', () => {
    writeFileSync(`${file}.new`, `${delay.max / 1e6}\n`);
    renameSync(`${file}.new`, file);
    delay.reset();
  });
}
