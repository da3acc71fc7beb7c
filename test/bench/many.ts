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
import { fillTable, passwdLines, type Filling } from '../pairing/fill.ts';
import { SHARE } from '../sandbox/etc.ts';
import { APP } from '../sandbox/namespace.ts';
import { Sandbox, type SandboxOptions } from '../sandbox/sandbox.ts';

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
