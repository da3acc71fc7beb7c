// Plays behaviours with one program and says of each what came of it.
import type { Behaviour } from './behaviour.ts';
import { Crashed, Hangs } from './client.ts';
import { programOf, type ProgramName } from './programs.ts';
import { World } from './world.ts';

/** `-`: the program takes no such cards, and nothing was played. */
export type Outcome = 'yes' | 'no' | 'hangs' | 'crashes' | '-';

/** @param again what failed in the suite itself is played once more */
async function play(behaviour: Behaviour, world: World, again = true): Promise<Outcome> {
  if (behaviour.needsCard && !world.program.takesCards) return '-';
  try {
    await world.reset();
    return (await behaviour.holds(world)) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof Hangs) return 'hangs';
    if (error instanceof Crashed) return 'crashes';
    if (again) return play(behaviour, world, false);
    throw new Error(`${world.program.name}: ${behaviour.id}`, { cause: error });
  }
}

/**
 * One sandbox for all of them.
 * @param told each outcome as it comes
 * @throws Error where the suite itself failed
 */
export async function runBehaviours(
  name: ProgramName,
  behaviours: readonly Behaviour[],
  told: (behaviour: Behaviour, outcome: Outcome) => void,
): Promise<void> {
  const world = await World.start(programOf(name));
  try {
    for (const behaviour of behaviours) told(behaviour, await play(behaviour, world));
  } finally {
    await world.stop();
  }
}
