// Notes how long each test file took, from the start of its process to its end, and what it and its programs had of the
// processors: with several files at a time only that says what a file costs. ava says nothing of time in TAP. Each process of
// a test file is started with `--import` of this (package.json, "ava"); run.ts says where to write.

import { appendFileSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEST_FILE = /\.(test|soak|slow)\.ts$/;
const into = process.env['SCAUTH_TEST_TIMES'];

/** One line of what is written. */
export interface FileTime {
  readonly file: string;
  readonly ms: number;
  readonly cpuMs: number;
}

/** What was written, the longest first. A line that a killed process left unfinished is left out. */
export function slowestFirst(text: string): FileTime[] {
  return text
    .split('\n')
    .map((line) => /^(\d+) (\d+) (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, ms = '', cpuMs = '', file = '']) => ({ file, ms: Number(ms), cpuMs: Number(cpuMs) }))
    .sort((one, other) => other.ms - one.ms);
}

/** Of this process and its children that have ended; utime to cstime of proc_pid_stat(5), in hundredths of a second. */
function cpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

if (into !== undefined) {
  let file: string | null = null;
  registerHooks({
    load(url, context, nextLoad) {
      if (file === null && TEST_FILE.test(url)) file = relative(process.cwd(), fileURLToPath(url));
      return nextLoad(url, context);
    },
  });
  process.on('exit', () => {
    if (file !== null) appendFileSync(into, `${Math.round(performance.now())} ${cpuMs()} ${file}\n`);
  });
}
