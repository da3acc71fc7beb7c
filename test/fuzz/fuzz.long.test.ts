// What npm run fuzz does for hours, done here for a fixed number of inputs: nothing is found, and the seeds with what grows
// out of them reach nine of ten lines of the parsers (npm run fuzz wants more, of each).

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { AgentRun } from './agent.ts';
import { buildModuleFuzzers, ModuleFuzzing, MODULE_PROGRAMS, type ModuleProgram } from './module.ts';

const AGENT_RUNS = 300;
const MODULE_RUNS: Readonly<Record<ModuleProgram, number>> = {
  frames: 300_000,
  options: 20_000,
  enforcement: 300_000,
  relay: 5000,
};

for (const name of MODULE_PROGRAMS)
  test.serial(`L2, L5, L13: the module's ${name}, followed by libFuzzer`, async (t) => {
    buildModuleFuzzers();
    const fuzzing = new ModuleFuzzing();
    t.teardown(() => {
      fuzzing.remove();
    });
    const { found, runs } = await fuzzing.run(name, `-runs=${MODULE_RUNS[name]}`);
    t.is(found, null);
    t.true(runs >= MODULE_RUNS[name]);
  });

test.serial('L10, L13: each parser of the agent refuses, or reads, and its lines are reached', async (t) => {
  t.timeout(20 * 60_000);
  const argv = [join(import.meta.dirname, 'agent.ts'), '--runs', String(AGENT_RUNS)];
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    ...argv,
  ]);
  const all = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AgentRun);
  t.true(all.length > 15);
  for (const { name, found, runs } of all) {
    t.is(found, null, name);
    t.true(runs >= AGENT_RUNS, name);
  }
  const files = all.flatMap((run) => run.files);
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const missed = files.reduce((sum, file) => sum + file.missed.length, 0);
  t.true(missed <= 0.1 * lines, `${missed} of ${lines} lines were not reached`);
});
