// Measures the event loop of a scauthd from inside, for benchmarks and soak tests: NODE_OPTIONS=--import of this file.
// At SIGUSR2 it writes the longest turn since the last SIGUSR2, in ms, into the file LOOP_TURNS_FILE, and begins anew.
// Processor time of the main thread: what else runs on the machine does not count.
import { renameSync, writeFileSync } from 'node:fs';

const file = process.env['LOOP_TURNS_FILE'];
if (file !== undefined) {
  const nowMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let lastMs = nowMs();
  let longestMs = 0;
  // Timers are looked at once a turn: between two of them there is one turn at least.
  setInterval(() => {
    const ms = nowMs();
    longestMs = Math.max(longestMs, ms - lastMs);
    lastMs = ms;
  }, 1).unref();
  process.on('SIGUSR2', () => {
    writeFileSync(`${file}.new`, `${longestMs}\n`);
    renameSync(`${file}.new`, file);
    longestMs = 0;
  });
}
