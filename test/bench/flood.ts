// What floods of scauthd's sockets cost others: a card login's time under them against its quiet time, and the longest
// turn of the event loop under peers of each kind.
import { bothSockets, startFloods, type Flood } from '../system/login/floods.ts';
import { figure, median, type Figure } from './figures.ts';
import { longestTurn, type LongestTurn } from './longest-turn.ts';
import type { Rig } from './rig.ts';

/** 17 uids × 8 that say nothing, and one with eight connections that call as fast as they can. */
const FLOOD: readonly Flood[] = [
  ...bothSockets('idle', 17, 8),
  { socket: 'io.scauth', mode: 'oneway', uids: 1, each: 8 },
  { socket: 'io.scauth', mode: 'calls', uids: 1, each: 8 },
];

const kinds = (rig: Rig): readonly (readonly Flood[])[] => [
  FLOOD,
  // Somebody with a pairing, and everything that they may ask.
  [{ socket: 'io.scauth', mode: 'reads', uids: 1, each: 8, firstUid: rig.sandbox.uid }],
  bothSockets('frames', 17, 8),
  bothSockets('calls', 17, 8),
  bothSockets('more', 32, 4),
  [{ socket: 'io.scauth', mode: 'oneway-prompt', uids: 17, each: 8 }],
  bothSockets('half', 1000, 1),
];

async function loginMs(rig: Rig): Promise<number> {
  await rig.untilIdle();
  return rig.stopwatch.time(rig.sandbox.pin, rig.pamtester('bench-card'));
}

async function logins(rig: Rig, count: number): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < count; number += 1) times.push(await loginMs(rig));
  return median(times);
}

async function under<T>(rig: Rig, floods: readonly Flood[], act: () => Promise<T>): Promise<T> {
  const stop = await startFloods(rig.sandbox, floods);
  try {
    return await act();
  } finally {
    await stop();
  }
}

/** @param rig one whose scauthd is measured (longest-turn.ts) */
export async function floodFigures(rig: Rig, count: number): Promise<Figure[]> {
  await logins(rig, 3);
  const quietMs = await logins(rig, count);
  const floodMs = await under(rig, FLOOD, () => logins(rig, count));
  const turns: LongestTurn[] = [];
  for (const floods of kinds(rig)) {
    const turn = await longestTurn(rig.sandbox, () => under(rig, floods, () => logins(rig, count)));
    const names = floods.map(({ mode, uids }) => `${mode} by ${uids}`).join(', ');
    process.stderr.write(
      `${names}: longest turn ${turn.turnMs.toFixed(1)} ms (${turn.wallMs.toFixed(1)} ms with others’ time)\n`,
    );
    turns.push(turn);
  }
  return [
    figure('login-under-flood-ratio', floodMs / quietMs, 'ratio', 2),
    figure('login-quiet-ms', quietMs, 'ms'),
    figure('login-under-flood-ms', floodMs, 'ms'),
    figure('loop-longest-turn-under-peers-ms', Math.max(...turns.map(({ turnMs }) => turnMs)), 'ms', 50),
    figure('loop-longest-turn-under-peers-wall-ms', Math.max(...turns.map(({ wallMs }) => wallMs)), 'ms'),
  ];
}
