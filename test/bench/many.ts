// A sandbox whose scauthd has as many pairings as a large site, with its event loop measured (loop-turns.ts).
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fillTable, nameOf, passwdLines, type Filling } from '../pairing/fill.ts';
import { SHARE } from '../sandbox/etc.ts';
import { APP } from '../sandbox/namespace.ts';
import { Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';
import { memoryMib } from './at-rest.ts';
import { bundledAgent } from './bundled.ts';
import { figure, type Figure } from './figures.ts';

/** `enforce plan` asks the name service for each account. */
const COMMAND_MS = 1_800_000;
const TURNS_FILE = `${SHARE}/loop-turns`;

/** @param accounts how many of the users of the filling the machine has */
export async function sandboxWithMany(
  filling: Filling,
  accounts = filling.users,
  options: SandboxOptions = {},
): Promise<Sandbox> {
  const sandbox = await Sandbox.start({
    ...options,
    agent: false,
    agentEnv: {
      ...options.agentEnv,
      NODE_OPTIONS: `--import=${APP}/test/bench/loop-turns.ts`,
      LOOP_TURNS_FILE: TURNS_FILE,
    },
  });
  try {
    mkdirSync(sandbox.path(`${SHARE}/state`), { recursive: true, mode: 0o700 });
    chmodSync(sandbox.path(`${SHARE}/state`), 0o700);
    copyTable(filling, sandbox.path(`${SHARE}/state/scauth.db`));
    appendFileSync(sandbox.path('/etc/passwd'), passwdLines(accounts));
    await sandbox.startAgent();
    await longestTurnMs(sandbox);
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

/** Made outside: the sandbox's folder, seen from the machine, is not one that the table trusts. */
function copyTable(filling: Filling, to: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-many-'));
  try {
    fillTable(join(folder, 'scauth.db'), filling);
    copyFileSync(join(folder, 'scauth.db'), to);
    chmodSync(to, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The longest turn of scauthd's event loop since this was last asked, in ms. */
export async function longestTurnMs(sandbox: Sandbox): Promise<number> {
  const file = sandbox.path(TURNS_FILE);
  rmSync(file, { force: true });
  const pid = sandbox.agentHostPid;
  if (pid === null) throw new Error(`scauthd does not run:\n${sandbox.logs()}`);
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; tries < 1000; tries += 1) {
    try {
      return Number(readFileSync(file, 'utf8'));
    } catch {
      await pause(10);
    }
  }
  throw new Error('scauthd does not say how long its turns take');
}

/** scauthd with so many pairings, ten an account, and as many exemptions, while root looks at all of them. */
export async function manyFigures(pairings: number): Promise<Figure[]> {
  const filling = { users: pairings / 10, each: 10, exemptions: pairings };
  process.stderr.write(`${pairings} pairings and exemptions\n`);
  const sandbox = await sandboxWithMany(filling, filling.users, {
    card: 'none',
    agentPrefix: await bundledAgent(),
  });
  try {
    let longestMs = 0;
    for (const command of [
      ['list', '--json'],
      ['doctor', '--json'],
      ['enforce', 'status', '--json'],
      ['enforce', 'plan', '--json'],
      ['explain', '-u', nameOf(1), '-s', 'sudo'],
    ]) {
      const from = performance.now();
      // Exit codes say what was found, not whether it came to an end.
      const { stdout, stderr } = await sandbox.exec(['sc_auth', ...command], { timeoutMs: COMMAND_MS });
      if (stdout === '') throw new Error(`sc_auth ${command.join(' ')}: ${stderr}`);
      const turnMs = await longestTurnMs(sandbox);
      longestMs = Math.max(longestMs, turnMs);
      const tookS = ((performance.now() - from) / 1000).toFixed(1);
      process.stderr.write(
        `sc_auth ${command.join(' ')}: ${tookS} s, longest turn ${turnMs.toFixed(1)} ms\n`,
      );
    }
    const k = `${pairings / 1000}k`;
    return [
      figure('loop-longest-turn-ms', longestMs, 'ms', 50),
      figure(`list-${k}-rss-mib`, memoryMib(sandbox.agentHostPid ?? 0, 'Rss'), 'MiB', 120),
    ];
  } finally {
    await sandbox.stop();
  }
}
