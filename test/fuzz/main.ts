// `npm run fuzz -- --minutes N`: feeds the parsers of the module (libFuzzer) and of the agent (test/fuzz/engine.ts) with
// what nobody has thought of, starting from test/vectors. The last lines say how many lines of each parser were reached;
// the exit code is 1 where something was found, or (without --only) less than 95 in 100 of a parser's lines were reached.
//   --minutes N   of all together (default 5)
//   --only NAME   one of the targets, for all of that time
//   --seed N      of the agent's fuzzer (default: another one each time)

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { AgentRun } from './agent.ts';
import { buildModuleFuzzers, FOUND, ModuleFuzzing, MODULE_PROGRAMS, type ModuleProgram } from './module.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
/** Targets of the agent, about; each gets as much time as a program of the module. */
const AGENT_TARGETS = 20;
const LEAST = 0.95;
const seconds = Math.max(
  1,
  Math.round(
    (Number(values.minutes) * 60) / (values.only === undefined ? AGENT_TARGETS + MODULE_PROGRAMS.length : 1),
  ),
);

let found = 0;
let thin = 0;

function report(name: string, text: string): void {
  found++;
  console.log(`FOUND in ${name}:\n${text}`);
}

function percent(lines: number, reached: number): string {
  return `${((100 * reached) / lines).toFixed(1).padStart(5)} % of ${lines} lines`;
}

function judge(name: string, lines: number, reached: number): void {
  const isThin = values.only === undefined && reached < LEAST * lines;
  if (isThin) thin++;
  console.log(`  ${percent(lines, reached)}  ${name}${isThin ? '  TOO FEW' : ''}`);
}

/** The module's parsers. The rest of it is reported with them, and has its own tests of each line. */
const PARSERS = /(frames|utf8|options|enforcement|conversation)\.c$/;

async function fuzzModule(programs: readonly ModuleProgram[]): Promise<void> {
  buildModuleFuzzers();
  const fuzzing = new ModuleFuzzing();
  try {
    for (const name of programs) {
      const run = await fuzzing.run(name, `-max_total_time=${seconds}`);
      console.log(`${name} (module): ${run.runs} runs in ${seconds} s`);
      if (run.found !== null) report(name, run.found);
    }
    for (const { file, lines, reached } of fuzzing.reached())
      if (PARSERS.test(file)) judge(file, lines, reached);
      else if (lines > 0) console.log(`  ${percent(lines, reached)}  ${file} (no parser)`);
  } finally {
    fuzzing.remove();
  }
}

async function fuzzAgent(): Promise<void> {
  const only = values.only === undefined ? [] : ['--only', values.only];
  const argv = [
    join(import.meta.dirname, 'agent.ts'),
    '--seconds',
    String(seconds),
    '--seed',
    values.seed,
    ...only,
  ];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((settle) => child.on('close', settle));
  for await (const line of createInterface({ input: child.stdout })) {
    const run = JSON.parse(line) as AgentRun;
    console.log(`${run.name}: ${run.runs} runs in ${seconds} s, ${run.kept} inputs kept`);
    const lines = run.files.reduce((sum, file) => sum + file.lines, 0);
    judge(run.name, lines, lines - run.files.reduce((sum, { missed }) => sum + missed.length, 0));
    for (const { file, missed } of run.files)
      if (missed.length > 0) console.log(`    not ${file}:${missed.join(', ')}`);
    if (run.found === null) continue;
    const file = join(FOUND, `${run.name}-${values.seed}`);
    mkdirSync(FOUND, { recursive: true });
    writeFileSync(file, Buffer.from(run.found.input, 'base64'));
    report(run.name, `${run.found.error}\nthe input: ${file}`);
  }
  if ((await ended) !== 0) report('the agent', 'the fuzzer ended early');
}

const programs = MODULE_PROGRAMS.filter(
  (name) => values.only === undefined || values.only === `module-${name}`,
);
if (programs.length > 0) await fuzzModule(programs);
if (values.only === undefined || programs.length === 0) await fuzzAgent();
console.log(
  `${found} found; ${thin} parsers with less than ${100 * LEAST} % of their lines reached (seed ${values.seed})`,
);
process.exitCode = found === 0 && thin === 0 ? 0 : 1;
