// How long programs take by the clock on the wall: two ways of doing a thing in turn, and their medians.
// Which of the two goes first changes with each pair. Where a card is used, it is at rest before each run.
import { once } from 'node:events';
import { figure, median, type Figure } from './figures.ts';
import { INS } from '../kit/card/constants.ts';
import type { LogEntry } from '../kit/card/log.ts';
import { READER, type Rig } from './rig.ts';
import { APP } from '../kit/sandbox/namespace.ts';
import { programPath } from './stopwatch.ts';

export interface Medians {
  readonly oursMs: number;
  readonly theirsMs: number;
}

export interface LoginTimes extends Medians {
  /** The first login since this was called; cold, if none came before. */
  readonly firstMs: number;
}

type Run = () => Promise<number>;

/** How often each of the two runs before it counts: both find their files in memory. */
const WARM_UP = 3;

/** @param settle waits before each run for what the run before has left behind */
async function compare(
  pairs: number,
  ours: Run,
  theirs: Run,
  settle = (): Promise<void> => Promise.resolve(),
): Promise<Medians> {
  const taken: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let pair = -WARM_UP; pair < pairs; pair++) {
    const order = ['ours', 'theirs'] as const;
    for (const who of pair % 2 === 0 ? order : order.toReversed()) {
      await settle();
      const ms = await (who === 'ours' ? ours() : theirs());
      if (pair >= 0) taken[who].push(ms);
    }
  }
  return { oursMs: median(taken.ours), theirsMs: median(taken.theirs) };
}

/**
 * A login by card and PIN, against pam_permit and a C program that sends the same APDUs.
 * @param key of the rig's card
 * @throws Error if the two do not send the same APDUs
 */
export async function compareLogin(
  rig: Rig,
  key: 'p256' | 'rsa2048',
  delayMs: number,
  pairs: number,
): Promise<LoginTimes> {
  const { sandbox, stopwatch } = rig;
  await sandbox.card.setDelay(delayMs);
  const ours = (): Promise<number> => stopwatch.time(sandbox.pin, rig.pamtester('bench-card'));
  await rig.untilIdle();
  const firstMs = await ours();
  const mine = (await rig.record(ours)).apdus;
  const selects = mine.filter(isSelect).length;
  const bare = [programPath('bare'), READER, key, sandbox.pin, String(selects)];
  const theirs = (): Promise<number> => stopwatch.time('', rig.pamtester('bench-permit'), bare);
  const its = (await rig.record(theirs)).apdus;
  if (shapes(mine) !== shapes(its)) {
    throw new Error(`Not the same APDUs. scauth:\n${shapes(mine)}\nbare.c:\n${shapes(its)}`);
  }
  const { result, apdus } = await rig.record(() => compare(pairs, ours, theirs, () => rig.untilIdle()));
  const more = apdus.filter(isSelect).length - 2 * (pairs + WARM_UP) * selects;
  // The PIN came so late, or so early, that scauthd took another number of transactions.
  if (more !== 0) process.stderr.write(`${key}: ${more} SELECTs more than bare.c in ${pairs} logins\n`);
  return { ...result, firstMs };
}

function isSelect({ ins }: LogEntry): boolean {
  return ins === INS.SELECT;
}

/** Header, length and status word of each APDU: what is signed and the signature differ, nothing else. */
function shapes(log: readonly LogEntry[]): string {
  return log
    .map(({ cla, ins, p1, p2, bytesIn, sw }) =>
      [
        ...[cla, ins, p1, p2].map((byte) => byte.toString(16).padStart(2, '0')),
        bytesIn,
        sw?.toString(16),
      ].join(' '),
    )
    .join('\n');
}

/** Puts a bare Node server in scauthd's place while `act` runs. */
async function withBareServer<T>({ sandbox }: Rig, act: () => Promise<T>): Promise<T> {
  await sandbox.stopAgent();
  const env = sandbox.environment();
  const argv = [`${APP}/node_modules/node/bin/node`, `${APP}/test/bench/bare-server.ts`];
  const server = sandbox.namespace.spawn([...argv, env['SCAUTH_SOCKET'] ?? ''], { env });
  const ended = once(server, 'exit');
  try {
    if (server.stdout !== null) await Promise.race([once(server.stdout, 'data'), ended]);
    if (server.exitCode !== null) throw new Error('The bare server does not start.');
    return await act();
  } finally {
    server.stdin?.end();
    await ended;
  }
}

/**
 * What a person without a card pays for us: no card in the reader, and no pairing; the larger of the two counts. Beside
 * them what a server in Node costs that only answers. scauthd does not run any more afterwards.
 */
export async function noCardOverhead(rig: Rig, pairs: number): Promise<Figure[]> {
  const { sandbox, stopwatch } = rig;
  const overhead = async (user: string): Promise<number> => {
    const ours = (): Promise<number> => stopwatch.time('', rig.pamtester('bench-no-card', user));
    const theirs = (): Promise<number> => stopwatch.time('', rig.pamtester('bench-permit', user));
    const { oursMs, theirsMs } = await compare(pairs, ours, theirs);
    return oursMs - theirsMs;
  };
  const noPairing = await overhead('root');
  await sandbox.card.eject();
  while ((await sandbox.exec(['sc_auth', 'list-smartcards'])).stdout !== '');
  const noCard = await overhead(sandbox.user);
  const bare = await withBareServer(rig, () => overhead(sandbox.user));
  return [
    figure('no-card-overhead-ms', Math.max(noCard, noPairing), 'ms', 1),
    figure('no-card-overhead-ratio-to-bare-node', Math.max(noCard, noPairing) / bare, 'ratio', 1.5),
    figure('no-card-overhead-ms-empty-reader', noCard, 'ms'),
    figure('no-card-overhead-ms-no-pairing', noPairing, 'ms'),
    figure('no-card-overhead-ms-bare-node', bare, 'ms'),
  ];
}
