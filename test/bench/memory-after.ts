// What scauthd holds by itself (private anonymous pages) after many logins of each kind that uses no card.
import { readFileSync } from 'node:fs';
import { APP } from '../kit/sandbox/namespace.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { bundledAgent } from './bundled.ts';
import { figure, type Figure } from './figures.ts';

const KINDS = ['no-pairing', 'no-card', 'account', 'call'] as const;

/** MiB of private anonymous memory: what no other process shares and no file backs. proc_pid_smaps(5). */
export function ownMib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = /^Anonymous:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kib === undefined) throw new Error('no smaps_rollup');
  return Number(kib) / 1024;
}

/** Asks `count` times; each must be answered. */
async function ask(sandbox: Sandbox, kind: (typeof KINDS)[number], count: number): Promise<void> {
  // Root is paired with a key that is on no card; the other has none.
  const user = kind === 'no-card' ? 'root' : sandbox.user;
  const node = `${APP}/node_modules/node/bin/node`;
  const args = [
    '--disable-warning=ExperimentalWarning',
    `${APP}/test/bench/logins.ts`,
    kind,
    String(count),
    user,
  ];
  const { stdout, stderr } = await sandbox.exec([node, ...args], { timeoutMs: 3_600_000 });
  if (Number(stdout) !== count)
    throw new Error(`${kind}: ${stdout.trim()} of ${count} were answered ${stderr}`);
}

/** A machine on which root has a card that is not in, and nobody else has one; scauthd is the package's. */
async function quietSandbox(): Promise<Sandbox> {
  const sandbox = await Sandbox.start({ card: 'none', agentPrefix: await bundledAgent() });
  const paired = await sandbox.exec(['sc_auth', 'pair', '-u', 'root', '-h', 'AB'.repeat(20)]);
  if (paired.code === 0) return sandbox;
  await sandbox.stop();
  throw new Error(`not paired: ${paired.stderr}`);
}

/** MiB at rest, and after `count` logins of each kind. */
export async function ownAfter(count: number): Promise<{ readonly atRest: number; readonly after: number }> {
  const sandbox = await quietSandbox();
  try {
    const pid = sandbox.agentHostPid ?? 0;
    const atRest = ownMib(pid);
    for (const kind of KINDS) {
      await ask(sandbox, kind, count);
      process.stderr.write(`own memory after ${count} × ${kind}: ${ownMib(pid).toFixed(1)} MiB\n`);
    }
    return { atRest, after: ownMib(pid) };
  } finally {
    await sandbox.stop();
  }
}

/** In all so many, a quarter of each kind; `npm run soak` has four times as many. */
export async function memoryFigures(logins: number): Promise<Figure[]> {
  const { atRest, after } = await ownAfter(logins / KINDS.length);
  return [
    figure('agent-own-memory-at-rest-mib', atRest, 'MiB'),
    figure(`agent-own-memory-after-${logins / 1000}k-mib`, after, 'MiB', 35),
  ];
}
