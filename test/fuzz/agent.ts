// The agent's parsers, in a process of their own: what they import is counted from the first line on.
//   node agent.ts --seconds N|--runs N [--only NAME] [--seed N]      for each target
// Prints one JSON line for each target: what was done, and the lines that were missed.

import { parseArgs } from 'node:util';
import { linesReached, startCounting } from './instrument.ts';

/** One line of what is printed. */
export interface AgentRun {
  readonly name: string;
  readonly runs: number;
  readonly kept: number;
  /** The error, and the input in base64; null for nothing. */
  readonly found: { readonly error: string; readonly input: string } | null;
  readonly files: readonly {
    readonly file: string;
    readonly lines: number;
    readonly missed: readonly number[];
  }[];
}

startCounting();
const { Fuzzer } = await import('./engine.ts');
const { allTargets, closeTargets } = await import('./targets/all.ts');

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    runs: { type: 'string' },
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const seconds = Number(values.seconds ?? Infinity);
const most = Number(values.runs ?? Infinity);

for (const target of allTargets) {
  if (values.only !== undefined && target.name !== values.only) continue;
  const untilMs = performance.now() + seconds * 1000;
  const outcome = await new Fuzzer(target, Number(values.seed)).run(
    (runs) => runs < most && performance.now() < untilMs,
  );
  const { runs, kept, finding, passed } = outcome;
  const error =
    finding?.error instanceof Error ? (finding.error.stack ?? finding.error.message) : String(finding?.error);
  const found = finding === null ? null : { error, input: finding.input.toString('base64') };
  const files = target.files.map(([file, ...without]) => ({ file, ...linesReached(file, without, passed) }));
  console.log(JSON.stringify({ name: target.name, runs, kept, found, files } satisfies AgentRun));
}
await closeTargets();
