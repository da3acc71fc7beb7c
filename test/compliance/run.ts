// Plays behaviours with one program and says of each what came of it.
import { setTimeout as pause } from 'node:timers/promises';
import type { Behaviour } from './behaviour.ts';
import { Crashed, Hangs } from './client.ts';
import { programOf, type ProgramName } from './programs.ts';
import { World } from './world.ts';

/** `-`: the program takes no such cards, and nothing was played. */
export const OUTCOMES = ['yes', 'no', 'hangs', 'crashes', '-'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Longer than any behaviour that comes to its end, with all its logins at their limits. */
const STUCK_MS = 180_000;

async function play(behaviour: Behaviour, world: World): Promise<Outcome> {
  try {
    await world.reset();
    return (await behaviour.holds(world)) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof Hangs) return 'hangs';
    if (error instanceof Crashed) return 'crashes';
    throw new Error(`${world.program.name}: ${behaviour.id}`, { cause: error });
  }
}

async function inTime(played: Promise<Outcome | 'stuck'>): Promise<Outcome | 'stuck'> {
  const stop = new AbortController();
  const late = pause(STUCK_MS, 'stuck' as const, { signal: stop.signal });
  try {
    return await Promise.race([played, late]);
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

/**
 * One sandbox for all of them, and another one after whatever is stuck or failed in the suite itself, which is played once
 * more there.
 * @param told each outcome as it comes
 * @throws Error where the suite itself failed twice
 */
export async function runBehaviours(
  name: ProgramName,
  behaviours: readonly Behaviour[],
  told: (behaviour: Behaviour, outcome: Outcome) => void,
): Promise<void> {
  const program = programOf(name);
  let world = await World.start(program);
  const anew = async (): Promise<void> => {
    await world.stop();
    world = await World.start(program);
  };
  try {
    for (const behaviour of behaviours) {
      if (behaviour.needsCard && !program.takesCards) {
        told(behaviour, '-');
        continue;
      }
      let outcome = await inTime(play(behaviour, world).catch(() => 'stuck' as const));
      if (outcome === 'stuck') {
        await anew();
        outcome = await inTime(play(behaviour, world));
        if (outcome === 'stuck') await anew();
      }
      told(behaviour, outcome === 'stuck' ? 'hangs' : outcome);
    }
  } finally {
    await world.stop();
  }
}
