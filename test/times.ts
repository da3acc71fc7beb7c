// Notes how long each test file took, from the start of its process to its end. ava says nothing of time in TAP. Each
// process of a test file is started with `--import` of this (package.json, "ava"); run.ts says where to write.

import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEST_FILE = /\.(test|soak|slow)\.ts$/;
const into = process.env['SCAUTH_TEST_TIMES'];

/** One line of what is written. */
export interface FileTime {
  readonly file: string;
  readonly ms: number;
}

/** What was written, the longest first. A line that a killed process left unfinished is left out. */
export function slowestFirst(text: string): FileTime[] {
  return text
    .split('\n')
    .map((line) => /^(\d+) (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, ms = '', file = '']) => ({ file, ms: Number(ms) }))
    .sort((one, other) => other.ms - one.ms);
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
    if (file !== null) appendFileSync(into, `${Math.round(performance.now())} ${file}\n`);
  });
}
