// A blow at one system call of a login after the other, and after each what must hold: by call, and not by time.
import test, { type ExecutionContext } from 'ava';
import { compileClient, Crashed, type Login } from '../../compliance/client.ts';
import * as person from '../../kit/person/person.ts';
import { compileStrike, Strike, type Blow } from './strike.ts';
import { CONFIG, goOn, VICTIMS, type CardKind, type Victim } from './victims.ts';
import { MISTYPED, World, type Outcome, type Typed } from './world.ts';

/** Where a person's program was killed nobody is let in. */
async function outcomeOf(world: World, login: Login, typed: Typed): Promise<Outcome> {
  try {
    return await world.answer(login, typed);
  } catch (error) {
    if (error instanceof Crashed) return { letIn: false, byCard: false };
    throw error;
  }
}

/** How many system calls a victim makes in a login. */
async function countCalls(world: World, victim: Victim): Promise<number> {
  await world.fresh();
  const login = world.held();
  await login.untilHeld();
  const strike = await Strike.on(victim.pid(world, login), 0, 'KILL', victim.from);
  login.begin();
  const outcome = await outcomeOf(world, login, {});
  if (!outcome.byCard) throw new Error(`${victim.name}: no login to count in\n${world.sandbox.logs()}`);
  await world.untilAtRest();
  return (await strike.end()).count;
}

interface Struck {
  readonly problems: readonly string[];
  readonly isStruck: boolean;
}

async function strikeAt(world: World, victim: Victim, blow: Blow, at: number): Promise<Struck> {
  // Every second person mistypes both.
  const typed = at % 2 === 0 ? MISTYPED : {};
  const problems: string[] = [];
  await world.fresh();
  const login = world.held();
  await login.untilHeld();
  const pid = victim.pid(world, login);
  const isOwnProgram = pid === login.pid;
  const strike = await Strike.on(pid, at, blow, victim.from);
  login.begin();
  const outcome = outcomeOf(world, login, typed);
  // Whoever stands still does not come to an end.
  const first = await Promise.race([strike.over, outcome.then(() => null)]);
  if (!isOwnProgram || first === null) await outcome;
  const { isStruck } = first ?? (await strike.end());
  if (isStruck) problems.push(...(await world.byPassword()));
  if (isStruck && blow === 'STOP') goOn(pid);
  const { letIn, byCard } = await outcome;
  // Whoever was given up meanwhile comes back without anybody's hand.
  if (blow === 'STOP') await world.sandbox.untilCardRead();
  if (letIn && typed === MISTYPED) problems.push('let in with a wrong PIN and a wrong password');
  if (isStruck && !person.isAlive(pid)) await victim.mend(world);
  await world.untilAtRest();
  problems.push(...(await world.unproved({ letIn, byCard })), ...(await world.check()));
  return { isStruck, problems: problems.map((problem) => `${victim.name}, ${blow} at ${at}: ${problem}`) };
}

/**
 * Tests that strike each program that a login by such a card goes through.
 * @param wanted how many of a login's calls are struck, spread over all of them
 */
export function strikeTests(kind: CardKind, wanted: (victim: Victim, blow: Blow) => number): void {
  let world: World;
  test.before(async () => {
    compileClient();
    compileStrike();
    world = await World.start({ config: CONFIG[kind] });
  });
  test.after.always(() => world.stop());
  for (const victim of VICTIMS[kind])
    for (const blow of ['KILL', 'STOP'] as const)
      test.serial(`L1, L7: SIG${blow} of ${victim.name} at a system call of a login`, async (t) => {
        await sweep(t, world, victim, blow, wanted(victim, blow));
      });
}

async function sweep(
  t: ExecutionContext,
  world: World,
  victim: Victim,
  blow: Blow,
  most: number,
): Promise<void> {
  await world.fresh();
  await world.rest();
  const calls = await countCalls(world, victim);
  const wanted = Math.min(most, calls);
  let struck = 0;
  const problems: string[] = [];
  for (let sample = 0; sample < wanted; sample += 1) {
    const at = 1 + Math.floor(((sample + 0.5) * calls) / wanted);
    const result = await strikeAt(world, victim, blow, at);
    struck += result.isStruck ? 1 : 0;
    problems.push(...result.problems);
  }
  problems.push(...(await world.checkAll()));
  t.deepEqual(problems, []);
  // Not each login makes as many calls.
  t.true(struck > wanted / 3);
  const longest = Math.round(world.longestPasswordMs);
  t.log(`${struck} of ${calls} calls; the longest login by password so far took ${longest} ms`);
}
