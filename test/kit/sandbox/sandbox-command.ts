// `npm run sandbox` as a script has it: without a terminal, for tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { REPOSITORY } from './namespace.ts';

const MAIN = ['--disable-warning=ExperimentalWarning', join(REPOSITORY, 'test/kit/sandbox/main.ts')];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end. */
export async function sandboxCommand(args: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [...MAIN, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
