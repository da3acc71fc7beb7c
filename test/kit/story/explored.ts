// All orders in which two logins and what happens around them can meet, played on the real login and account phase. A path
// of choices is played anew for each state, and a state that was seen before is not gone on from.

import type { ExecutionContext } from 'ava';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import { World, type Incident, type Scenario } from './explored-world.ts';

const MOST_STATES = 200_000;

/** Lets everything run on that waits for no step. */
async function settle(world: World): Promise<void> {
  for (let still = 0, before = ''; still < 2;) {
    await new Promise(setImmediate);
    const now = world.waiting.map(({ label }) => label).join();
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

interface Explored {
  readonly states: number;
  readonly ends: number;
  /** What must not be, and the path to it. */
  readonly faults: readonly string[];
}

function choicesOf(world: World): string[] {
  return [...world.waiting.map(({ label }) => label), ...world.incidents];
}

function choose(world: World, choice: string): void {
  const step = world.waiting.find(({ label }) => label === choice);
  if (step !== undefined) step.take();
  else world.happen(choice as Incident);
}

/** Ends all that waits, so that its secrets are wiped. */
async function close(world: World): Promise<void> {
  for (let steps = [...world.abandoned, ...world.waiting]; steps.length > 0; steps = [...world.waiting]) {
    for (const step of steps) step.drop();
    await settle(world);
  }
}

async function explore(scenario: Scenario): Promise<Explored> {
  const seen = new Set<string>();
  let ends = 0;
  const paths: string[][] = [[]];
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const world = new World(scenario);
    await settle(world);
    for (const choice of path) {
      choose(world, choice);
      await settle(world);
    }
    // On from here as far as it is new; what else could be chosen on the way is played later.
    const taken = [...path];
    while (!seen.has(world.state)) {
      seen.add(world.state);
      if (seen.size > MOST_STATES) throw new Error(`more than ${MOST_STATES} states`);
      const [first, ...others] = choicesOf(world);
      if (first === undefined) break;
      for (const other of others) paths.push([...taken, other]);
      taken.push(first);
      choose(world, first);
      await settle(world);
    }
    if (world.courses.every(({ entry }) => entry !== null)) ends += 1;
    await close(world);
    if (world.faults.length > 0)
      return {
        states: seen.size,
        ends,
        faults: world.faults.map((fault) => `${fault}, by ${taken.join('; ')}`),
      };
  }
  return { states: seen.size, ends, faults: [] };
}

/** For ava: explores a scenario, and nothing that must not be is found, nor a secret that stays. */
export async function exploring(t: ExecutionContext, scenario: Scenario): Promise<void> {
  const free = freeSecretSlots();
  const { states, ends, faults } = await explore(scenario);
  t.log(`${states} states`);
  t.deepEqual(faults, []);
  t.true(ends > 0, 'some orders come to an end');
  t.is(freeSecretSlots(), free);
}
