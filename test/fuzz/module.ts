// The C module under libFuzzer, ASan and UBSan: builds test/fuzz/module, makes the seeds, runs each program for its time
// and counts the lines that were reached. What is found lies in build/fuzz/found, under the name that libFuzzer gives it.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { enforcementText } from '../../agent/stories/enforcement/enforcement-file.ts';
import { encodeFrame, type Frame } from '../../agent/protocol/frames.ts';
import { defaultPolicy } from '../../policy/policy.ts';
import { vectorFiles } from '../unit/pam/build.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = join(ROOT, 'build/fuzz');
/** Where inputs are kept that broke something. */
export const FOUND = join(BUILD, 'found');
/** struct plan of relay.c. */
const PLAN_BYTES = 18;

/** How many lines of a file were reached. */
export interface Reached {
  readonly file: string;
  readonly lines: number;
  readonly reached: number;
}

export interface ModuleRun {
  readonly name: ModuleProgram;
  readonly runs: number;
  /** What libFuzzer, a sanitizer or a rule had to say; null for nothing. */
  readonly found: string | null;
}

export const MODULE_PROGRAMS = ['frames', 'options', 'enforcement', 'relay'] as const;
export type ModuleProgram = (typeof MODULE_PROGRAMS)[number];

function vectors(): Buffer[] {
  return vectorFiles().flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => Buffer.from(line.split('\t')[3] ?? '', 'hex')),
  );
}

function enforcementSeeds(): Buffer[] {
  const states = [
    { kind: 'on', sinceMs: 0, by: 'root' },
    { kind: 'trial', sinceMs: 0, untilMs: 86_400_000, by: 'root' },
    { kind: 'off' },
  ] as const;
  const head = Buffer.from('\x04sudo\0\0\0\0\0\0\0\0', 'latin1');
  return states.map((state) => Buffer.concat([head, Buffer.from(enforcementText(state, defaultPolicy))]));
}

const granted = { type: 'verdict', code: 'granted', user: 'alice', authtok: null, message: null } as const;
const SCRIPTS: readonly (readonly Frame[])[] = [
  [granted],
  [{ type: 'wait' }, { type: 'ask', echo: false, text: 'PIN: ' }, { type: 'wait' }, granted],
  [
    { type: 'ask', echo: true, text: 'Name: ' },
    { ...granted, authtok: Buffer.from('keyfob'), message: 'Welcome' },
  ],
  [
    { type: 'tell', kind: 'information', text: 'One' },
    { type: 'tell', kind: 'error', text: 'Two' },
    { ...granted, code: 'denied', user: null, authtok: Buffer.from('typed') },
  ],
  [
    { type: 'hold', text: 'Insert it, or press Enter', plain: 'Insert it' },
    { type: 'ask', echo: false, text: 'PIN: ' },
    granted,
  ],
  [
    { type: 'take', item: 1 },
    { ...granted, code: 'permitted', user: null },
  ],
  [{ type: 'recall' }, { ...granted, code: 'permitted', user: null }],
  [
    { type: 'recall' },
    { type: 'tell', kind: 'error', text: 'A card is required.' },
    { ...granted, code: 'card-required', user: null },
  ],
  [{ type: 'ask', echo: false, text: 'PIN: ' }],
  [],
];

function scriptBytes(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map((frame) => encodeFrame(frame, undefined, 3)));
}

/** Each conversation in each phase, as it should be, in odd surroundings, and with one call after the other that fails. */
function relaySeeds(): Buffer[] {
  const seeds: Buffer[] = [];
  for (const [index, frames] of SCRIPTS.entries()) {
    const once = scriptBytes(frames);
    const twice = Buffer.concat([once, Buffer.from('NEXT'), once]);
    for (let entry = 0; entry < 6; entry++)
      for (const [more, ...plan] of [
        [false, 0, 0, 0, 0, 0, 0, 0, 2],
        [true, 1, 0, 0, 2, 1, 1, 0, 2, 1, 1],
        [true, 0, 0, 0, 1, 2, 2, 1, 2, 3, 2, 1],
        [true, 0, 0, 0, 2, 3, 2, 0, 1, 9, 1, 3],
        [true, 1, 1 + (index % 4), 5 * entry + index, 0, 0, 0, 3, 2],
      ] as const) {
        const head = Buffer.alloc(PLAN_BYTES);
        head.set([entry, ...plan]);
        seeds.push(Buffer.concat([head, more ? twice : once]));
      }
  }
  return seeds;
}

const SEEDS: Readonly<Record<ModuleProgram, () => Buffer[]>> = {
  frames: vectors,
  options: () =>
    ['socket=/run/x', 'timeout=7', 'debug\0enforce\0only_secret', 'socket=x\0timeout=100'].map((text) =>
      Buffer.from(text),
    ),
  enforcement: enforcementSeeds,
  relay: relaySeeds,
};

/** @throws Error with the compiler's messages */
export function buildModuleFuzzers(): void {
  mkdirSync(BUILD, { recursive: true });
  execFileSync('flock', [join(BUILD, 'lock'), 'make', '-s', '-C', join(ROOT, 'pam'), 'fuzz'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
}

/** One program, from the seeds on. `limit` is an option of libFuzzer: for so many runs, or so many seconds. */
export class ModuleFuzzing {
  readonly #folder = mkdtempSync(join(tmpdir(), 'scauth-fuzzing-'));

  async run(name: ModuleProgram, limit: `-runs=${number}` | `-max_total_time=${number}`): Promise<ModuleRun> {
    const corpus = join(this.#folder, name);
    mkdirSync(corpus);
    mkdirSync(FOUND, { recursive: true });
    for (const [index, seed] of SEEDS[name]().entries()) writeFileSync(join(corpus, `seed-${index}`), seed);
    const options = [
      limit,
      '-max_len=8192',
      '-timeout=20',
      '-print_final_stats=1',
      `-artifact_prefix=${FOUND}/${name}-`,
    ];
    const child = spawn(join(BUILD, name), [corpus, ...options], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        FUZZ_MODULE: join(BUILD, 'pam_scauth.so'),
        LLVM_PROFILE_FILE: join(this.#folder, `${name}-%m.profraw`),
        UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
      },
    });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    const code = await new Promise<number | null>((settle) => child.on('close', settle));
    const runs = Number(/number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 0);
    return { name, runs, found: code === 0 && runs > 0 ? null : output.slice(-6000) };
  }

  /** Of the module's own files, by all runs so far. */
  reached(): Reached[] {
    const raw = readdirSync(this.#folder).filter((file) => file.endsWith('.profraw'));
    const merged = join(this.#folder, 'merged.profdata');
    execFileSync('llvm-profdata', ['merge', '-o', merged, ...raw.map((file) => join(this.#folder, file))]);
    const objects = ['pam_scauth.so', ...MODULE_PROGRAMS].flatMap((file) => ['-object', join(BUILD, file)]);
    const args = ['export', '-summary-only', '-instr-profile', merged, ...objects.slice(1)];
    const { data } = JSON.parse(execFileSync('llvm-cov', args, { encoding: 'utf8' })) as {
      data: { files: { filename: string; summary: { lines: { count: number; covered: number } } }[] }[];
    };
    return (data[0]?.files ?? [])
      .map(({ filename, summary: { lines } }) => ({
        ...{
          file: relative(ROOT, resolve(ROOT, 'pam', filename)),
          lines: lines.count,
          reached: lines.covered,
        },
      }))
      .filter(({ file }) => file.startsWith('pam/module/'));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
