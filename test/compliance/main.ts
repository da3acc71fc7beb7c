// npm run compliance [-- --program NAME] [--only TEXT] [--missing] [--list] [--publish]: plays the behaviours of card login by PAM with
// each program of programs.ts. --publish writes install/doc/compliance.md from the last outcomes of each program, which are
// kept in build/compliance as they come, and begin with those of the page; --missing plays those that are in neither.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';
import { CHAPTERS } from './behaviours/index.ts';
import { compliancePage, outcomesOf, type Outcomes } from './page.ts';
import { PROGRAMS, type ProgramName } from './programs.ts';
import { runBehaviours, type Outcome } from './run.ts';

const { values } = parseArgs({
  options: {
    program: { type: 'string', multiple: true },
    only: { type: 'string' },
    missing: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
});
const { only, publish } = values;
const unknown = values.program?.find((name) => !PROGRAMS.some((one) => one === name));
if (unknown !== undefined) throw new Error(`--program: one of ${PROGRAMS.join(', ')}`);
if (publish && only !== undefined) throw new Error('--publish wants all behaviours');
const programs = PROGRAMS.filter((name) => values.program?.includes(name) ?? true);
const all = CHAPTERS.flatMap(([, behaviours]) => behaviours);
const behaviours = all.filter(({ id }) => only === undefined || id.includes(only));

const kept = (name: ProgramName): string => join(REPOSITORY, `build/compliance/${name}.json`);

const PAGE = join(REPOSITORY, 'install/doc/compliance.md');

function lastOf(name: ProgramName): ReadonlyMap<string, Outcome> {
  const published = outcomesOf(readFileSync(PAGE, 'utf8'));
  const since = existsSync(kept(name))
    ? (JSON.parse(readFileSync(kept(name), 'utf8')) as [string, Outcome][])
    : [];
  return new Map([
    ...all.flatMap(({ id, says }) => {
      const outcome = published.get(says)?.get(name);
      return outcome === undefined ? [] : [[id, outcome] as const];
    }),
    ...since,
  ]);
}

async function play(name: ProgramName): Promise<void> {
  const outcomes = new Map(lastOf(name));
  const wanted = behaviours.filter(({ id }) => !values.missing || !outcomes.has(id));
  mkdirSync(join(REPOSITORY, 'build/compliance'), { recursive: true });
  await runBehaviours(name, wanted, ({ id, says }, outcome) => {
    outcomes.set(id, outcome);
    writeFileSync(kept(name), JSON.stringify([...outcomes]));
    console.log(`${name.padEnd(12)} ${outcome.padEnd(8)} ${says} (${id})`);
  });
  const count = (of: Outcome): number => behaviours.filter(({ id }) => outcomes.get(id) === of).length;
  console.log(
    `${name}: ${count('yes')} yes, ${count('no')} no, ${count('hangs')} hang, ${count('crashes')} crash`,
  );
}

/** @throws Error where some were not played */
function readKept(name: ProgramName): ReadonlyMap<string, Outcome> {
  const outcomes = lastOf(name);
  if (all.some(({ id }) => !outcomes.has(id)))
    throw new Error(`Some were not played: npm run compliance -- --missing --program ${name}`);
  return outcomes;
}

if (values.list) for (const { id, says } of behaviours) console.log(`${id.padEnd(40)} ${says}`);
else if (!publish) for (const name of programs) await play(name);

if (publish) {
  const outcomes: Outcomes = new Map(PROGRAMS.map((name) => [name, readKept(name)]));
  const options = { ...(await resolveConfig(PAGE)), filepath: PAGE };
  writeFileSync(PAGE, await format(compliancePage(outcomes), options));
}
