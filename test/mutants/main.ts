// `npm run mutants`: takes out one guard of the product after the other and asks the tests. A guard that no test misses is
// a bug of the tests, or no guard. The tree is copied; the one that you work in is not touched.
//   --count N     so many, spread over the folders (default: all)
//   --only TEXT   guards of files whose path has TEXT
//   --root DIR    another tree, another version for example
//   --of FILE     those that an earlier run has printed, wherever they stand now: whether the same ones are found
//   --list        say which, and run nothing
//   --long        asks *.long.test.ts as well, after the others
// The tests nearest to the guard (by imports) are asked, at most so many.
// Below a guard that was found stands the first test that failed; the last line is `N found, N survived`.

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { importsOf, parseSource, type Import } from '../import-graph.ts';
import { startsPrograms } from '../together.ts';
import { guardsOf, sample, without, type Guard } from './guards.ts';

/** Test files that are asked before a guard counts as one that nobody misses: the nearest, whatever they do, … */
const NEAREST = 4;
/** … and then of so many that are next so many, those first that start no programs. */
const NEXT = 20;
const MOST_OF_NEXT = 10;
/** Of one group. */
const RUN_SECONDS = 5 * 60;
const LONG_SECONDS = 15 * 60;
const HERE = resolve(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    only: { type: 'string' },
    root: { type: 'string', default: HERE },
    of: { type: 'string' },
    list: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
  },
});

/**
 * Test files that reach the guard's file: those in the folder that mirrors its own first, the one of its name in front;
 * then by how many imports they are away.
 */
function nearestTests(file: string, importers: ReadonlyMap<string, readonly Import[]>): string[] {
  const seen = new Set([file]);
  for (const one of seen) for (const { from } of importers.get(one) ?? []) seen.add(from);
  const folder = `/${dirname(file).replace(/^agent\//, '')}/`;
  const isOwn = (test: string): number =>
    !test.includes(folder) ? 2 : basename(test).startsWith(`${basename(file, '.ts')}.`) ? 0 : 1;
  return [...seen].filter((path) => path.endsWith('.test.ts')).sort((a, b) => isOwn(a) - isOwn(b));
}

function isLong(test: string): boolean {
  return test.endsWith('.long.test.ts');
}

class Tree {
  readonly #root: string;
  readonly #importers: ReadonlyMap<string, readonly Import[]>;
  /** Whether a group of tests passes as the tree is. */
  readonly #sound = new Map<string, boolean>();

  constructor(from: string) {
    this.#root = mkdtempSync(join(tmpdir(), 'scauth-mutants-'));
    const left = /^(?:\.git|node_modules|build\/package-root.*|test\/artifacts)$/;
    cpSync(from, this.#root, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !left.test(path.slice(from.length + 1)),
    });
    symlinkSync(join(from, 'node_modules'), join(this.#root, 'node_modules'));
    const files = globSync('{agent,policy,config,install,test}/**/*.ts', { cwd: this.#root });
    const imports = files.flatMap((path) =>
      importsOf(parseSource(path, readFileSync(join(this.#root, path), 'utf8'))),
    );
    // Who imports types alone runs nothing of the file.
    this.#importers = Map.groupBy(
      imports.filter(({ typeOnly }) => !typeOnly),
      ({ to }) => to,
    );
  }

  /** The first test that fails without the guard; null: none does. */
  missedBy(guard: Guard): string | null {
    for (const group of this.#groupsFor(guard)) {
      const failure = this.#without(guard, group);
      if (failure === null) continue;
      if (this.#isSound(group)) return failure;
      const sound = group.filter((test) => this.#isSound([test]));
      const again = sound.length === 0 ? null : this.#without(guard, sound);
      if (again !== null) return again;
    }
    return null;
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #groupsFor({ file }: Guard): string[][] {
    const all = file.endsWith('.c')
      ? globSync('test/{unit/,}pam/*.test.ts', { cwd: this.#root }).sort()
      : nearestTests(file, this.#importers);
    const near = all.filter((test) => !isLong(test));
    const next = near.slice(NEAREST, NEAREST + NEXT);
    const [starting = [], quick = []] = [true, false].map((starts) =>
      next.filter((test) => startsPrograms(test, this.#root) === starts),
    );
    const groups = [near.slice(0, NEAREST), [...quick, ...starting].slice(0, MOST_OF_NEXT)];
    const long = values.long ? all.filter(isLong).slice(0, NEAREST) : [];
    return [...groups.filter((group) => group.length > 0), ...long.map((test) => [test])];
  }

  #without(guard: Guard, tests: readonly string[]): string | null {
    const path = join(this.#root, guard.file);
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, without(guard, whole));
    try {
      return this.#failureOf(tests);
    } finally {
      writeFileSync(path, whole);
    }
  }

  #isSound(tests: readonly string[]): boolean {
    const name = tests.join(' ');
    const sound = this.#sound.get(name) ?? this.#failureOf(tests) === null;
    this.#sound.set(name, sound);
    return sound;
  }

  /** The title of the first test that fails, or what else went wrong. */
  #failureOf(tests: readonly string[]): string | null {
    // timeout ends what the run has started with it.
    const seconds = String(tests.some(isLong) ? LONG_SECONDS : RUN_SECONDS);
    const argv = ['--kill-after=10', seconds, process.execPath, 'test/run.ts', ...tests, '--fail-fast'];
    const { status, stdout } = spawnSync('timeout', argv, {
      cwd: this.#root,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    if (status === 0) return null;
    return /^FAILED: (.*)$/m.exec(stdout)?.[1] ?? `no end of ${tests.join(' ')}`;
  }
}

/** Of the lines that a run prints. */
function textsOf(output: string): Set<string> {
  return new Set([...output.matchAll(/^(?:found|SURVIVED) +\S+  (.*)$/gm)].map(([, text = '']) => text));
}

function chosen(): Guard[] {
  const all = guardsOf(values.root).filter(({ file }) => file.includes(values.only ?? ''));
  const wanted = values.of === undefined ? null : textsOf(readFileSync(values.of, 'utf8'));
  const some = all.filter(({ text }) => wanted?.has(text) ?? true);
  return values.count === undefined ? some : sample(some, Number(values.count));
}

function main(): void {
  const guards = chosen();
  if (values.list) {
    for (const { file, line, text } of guards) console.log(`${file}:${line}  ${text}`);
    console.log(`${guards.length} guards`);
    return;
  }
  const tree = new Tree(values.root);
  let found = 0;
  try {
    for (const guard of guards) {
      const by = tree.missedBy(guard);
      if (by !== null) found++;
      console.log(`${by === null ? 'SURVIVED' : 'found   '} ${guard.file}:${guard.line}  ${guard.text}`);
      if (by !== null) console.log(`         by ${by}`);
    }
  } finally {
    tree.remove();
  }
  console.log(`${found} found, ${guards.length - found} survived`);
  process.exitCode = found === guards.length ? 0 : 1;
}

main();
