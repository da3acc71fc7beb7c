// The longest turn of scauthd's event loop while something is done: turns.ts is loaded into it by Node's own option.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const FILE = '/run/sandbox/turns.json';

/** For the sandbox whose turns are to be measured: SandboxOptions.agentEnv. */
export const MEASURED_AGENT: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${APP}/test/bench/turns.ts`,
  SCAUTH_TURNS: FILE,
};

export interface LongestTurn {
  readonly wallMs: number;
  /** Processor time of the thread in it: what other programs of a busy machine took is not in it. */
  readonly cpuMs: number;
}

async function read(sandbox: Sandbox): Promise<LongestTurn> {
  const path = sandbox.path(FILE);
  rmSync(path, { force: true });
  process.kill(sandbox.agentHostPid ?? NaN, 'SIGUSR2');
  while (!existsSync(path) || readFileSync(path).length === 0) await pause(5);
  return JSON.parse(readFileSync(path, 'utf8')) as LongestTurn;
}

export async function longestTurn(sandbox: Sandbox, act: () => Promise<unknown>): Promise<LongestTurn> {
  await read(sandbox);
  await act();
  return read(sandbox);
}
