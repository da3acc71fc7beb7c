// The longest turn of scauthd's event loop while something is done: turns.ts is loaded into it by Node's own option.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { APP } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';

const FILE = '/run/sandbox/turns.json';

/** For the sandbox whose turns are to be measured: SandboxOptions.agentEnv. */
export const MEASURED_AGENT: Readonly<Record<string, string>> = {
  NODE_OPTIONS: `--import=${APP}/test/bench/turns.ts`,
  SCAUTH_TURNS: FILE,
};

export interface LongestTurn {
  /** Without the time in which other programs of a busy machine had the processor. */
  readonly turnMs: number;
  readonly wallMs: number;
}

async function read(sandbox: Sandbox): Promise<LongestTurn> {
  const path = sandbox.path(FILE);
  rmSync(path, { force: true });
  process.kill(sandbox.agentHostPid ?? NaN, 'SIGUSR2');
  while (!existsSync(path)) await pause(5);
  return JSON.parse(readFileSync(path, 'utf8')) as LongestTurn;
}

export async function longestTurn(sandbox: Sandbox, act: () => Promise<unknown>): Promise<LongestTurn> {
  await read(sandbox);
  await act();
  return read(sandbox);
}
