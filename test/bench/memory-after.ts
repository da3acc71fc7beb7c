// What scauthd holds by itself (private anonymous pages) after many logins of each kind, without a card and with one.
import { readdirSync, readFileSync } from 'node:fs';
import { APP } from '../kit/sandbox/namespace.ts';
import { pairCard } from '../kit/person/person.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { bundledAgent } from './bundled.ts';
import { figure, type Figure } from './figures.ts';

const WITHOUT_CARD = ['no-pairing', 'no-card', 'account', 'call'] as const;
const WITH_CARD = ['card', 'wrong-pin'] as const;
export const KINDS = [...WITHOUT_CARD, ...WITH_CARD];
export type Kind = (typeof KINDS)[number];
/** Nobody has paired a card with it. */
const UNPAIRED = 'daemon';

function isWithCard(kind: Kind): boolean {
  return WITH_CARD.some((other) => other === kind);
}

/** MiB of private anonymous memory: what no other process shares and no file backs. proc_pid_smaps(5). */
export function ownMib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = /^Anonymous:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kib === undefined) throw new Error('no smaps_rollup');
  return Number(kib) / 1024;
}

/** Asks `count` times; each must come to what it should. */
async function ask(sandbox: Sandbox, kind: Kind, count: number): Promise<void> {
  // Root is paired with a key that is on no card.
  const users = { 'no-pairing': UNPAIRED, 'no-card': 'root', account: UNPAIRED, call: UNPAIRED };
  const args = [
    '--disable-warning=ExperimentalWarning',
    `${APP}/test/bench/logins.ts`,
    kind,
    String(count),
    kind in users ? users[kind as keyof typeof users] : sandbox.user,
    sandbox.pin,
  ];
  const node = `${APP}/node_modules/node/bin/node`;
  const { stdout, stderr } = await sandbox.exec([node, ...args], { timeoutMs: 12 * 3_600_000 });
  if (Number(stdout) !== count) throw new Error(`${kind}: ${stdout.trim()} of ${count} went well ${stderr}`);
}

/** A machine on which somebody has a card, and root one that is not in; scauthd is the package's. */
async function quietSandbox(): Promise<Sandbox> {
  const sandbox = await Sandbox.start({ agentPrefix: await bundledAgent() });
  try {
    await pairCard(sandbox);
    const paired = await sandbox.exec(['sc_auth', 'pair', '-u', 'root', '-h', 'AB'.repeat(20)]);
    if (paired.code !== 0) throw new Error(`not paired: ${paired.stderr}`);
    await sandbox.card.eject();
    return sandbox;
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
}

/** What a scauthd holds at a moment. */
interface Held {
  readonly mib: number;
  readonly descriptors: number;
  readonly threads: number;
}

function heldBy(pid: number): Held {
  const [descriptors = 0, threads = 0] = ['fd', 'task'].map(
    (folder) => readdirSync(`/proc/${pid}/${folder}`).length,
  );
  return { mib: ownMib(pid), descriptors, threads };
}

/** At rest, and after `count` logins of each kind, in one life of scauthd; kinds with a card come last. */
export async function ownAfter(
  count: number,
  kinds: readonly Kind[] = KINDS,
): Promise<{ readonly atRest: Held; readonly after: Held }> {
  const sandbox = await quietSandbox();
  try {
    const pid = sandbox.agentHostPid ?? 0;
    const atRest = heldBy(pid);
    for (const kind of kinds) {
      if (isWithCard(kind) && !(await sandbox.card.state()).inserted) await sandbox.card.insert();
      await ask(sandbox, kind, count);
      process.stderr.write(`own memory after ${count} × ${kind}: ${ownMib(pid).toFixed(1)} MiB\n`);
    }
    return { atRest, after: heldBy(pid) };
  } finally {
    await sandbox.stop();
  }
}

/** In all so many, of each kind as many; `npm run soak` has so many of each. */
export async function memoryFigures(logins: number): Promise<Figure[]> {
  const { atRest, after } = await ownAfter(Math.round(logins / KINDS.length));
  return [
    figure('agent-own-memory-at-rest-mib', atRest.mib, 'MiB', 25),
    figure(`agent-own-memory-after-${logins / 1000}k-mib`, after.mib, 'MiB', 35),
  ];
}
