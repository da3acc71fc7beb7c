// A sandbox whose scauthd has as many pairings as a large site, with its event loop measured (longest-turn.ts).
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillTable, nameOf, passwdLines, type Filling } from '../unit/store/fill.ts';
import { SHARE } from '../kit/sandbox/etc.ts';
import { Sandbox, type SandboxOptions } from '../kit/sandbox/sandbox.ts';
import { memoryMib } from './at-rest.ts';
import { bundledAgent } from './bundled.ts';
import { figure, type Figure } from './figures.ts';
import { longestTurn, MEASURED_AGENT } from './longest-turn.ts';

/** `enforce plan` asks the name service for each account. */
const COMMAND_MS = 1_800_000;

/** @param accounts how many of the users of the filling the machine has */
export async function sandboxWithMany(
  filling: Filling,
  accounts = filling.users,
  options: SandboxOptions = {},
): Promise<Sandbox> {
  const sandbox = await Sandbox.start({
    ...options,
    agent: false,
    agentEnv: { ...options.agentEnv, ...MEASURED_AGENT },
  });
  try {
    mkdirSync(sandbox.path(`${SHARE}/state`), { recursive: true, mode: 0o700 });
    chmodSync(sandbox.path(`${SHARE}/state`), 0o700);
    copyTable(filling, sandbox.path(`${SHARE}/state/scauth.db`));
    appendFileSync(sandbox.path('/etc/passwd'), passwdLines(accounts));
    await sandbox.startAgent();
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

/** scauthd with so many pairings, ten an account, and an exemption for each account, while root looks at all of them. */
export async function manyFigures(pairings: number): Promise<Figure[]> {
  const filling = { users: pairings / 10, each: 10, exemptions: pairings / 10 };
  process.stderr.write(`${pairings} pairings, ${filling.exemptions} exemptions\n`);
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
      ['unpair', '-u', nameOf(1), '--all'],
    ]) {
      const from = performance.now();
      // Exit codes say what was found, not whether it came to an end.
      const { turnMs } = await longestTurn(sandbox, async () => {
        const { stdout, stderr } = await sandbox.exec(['sc_auth', ...command], { timeoutMs: COMMAND_MS });
        if (stdout === '') throw new Error(`sc_auth ${command.join(' ')}: ${stderr}`);
      });
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
