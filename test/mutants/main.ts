// `npm run mutants`: takes out one guard of the product after the other and asks the tests. A guard that no test misses is
// a bug of the tests, or no guard. The tree is copied; the one that you work in is not touched.
//   --count N     so many, spread over the folders (default: all)
//   --only TEXT   guards of files whose path has TEXT
//   --root DIR    another tree, another version for example
//   --of FILE     those that an earlier run has printed, wherever they stand now: whether the same ones are found
//   --list        say which, and run nothing
// The tests nearest to the guard run first (by imports), at most so many; the last line is `N found, N survived`.

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { importsOf, parseSource, type Import } from '../import-graph.ts';
import { guardsOf, sample, without, type Guard } from './guards.ts';

/** Test files that are asked before a guard counts as one that nobody misses. */
const NEAREST = 4;
const MOST_TESTS = 24;
const RUN_MS = 5 * 60_000;
const HERE = resolve(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    only: { type: 'string' },
    root: { type: 'string', default: HERE },
    of: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

/** Test files by how many imports they are away from the guard's file, the nearest first. */
function nearestTests(file: string, importers: ReadonlyMap<string, readonly Import[]>): string[] {
  const seen = new Set([file]);
  for (const one of seen) for (const { from } of importers.get(one) ?? []) seen.add(from);
  return [...seen].filter((path) => path.endsWith('.test.ts'));
}

class Tree {
  readonly #root: string;
  readonly #importers: ReadonlyMap<string, readonly Import[]>;
  /** Of a group of tests those that pass as the tree is. */
  readonly #known = new Map<string, readonly string[]>();

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
    this.#importers = Map.groupBy(imports, ({ to }) => to);
  }

  /** The first tests that fail without the guard; null: none does. */
  missedBy(guard: Guard): string | null {
    const tests = guard.file.endsWith('.c')
      ? globSync('test/{unit/,}pam/*.test.ts', { cwd: this.#root }).sort()
      : nearestTests(guard.file, this.#importers).slice(0, MOST_TESTS);
    const groups = [tests.slice(0, NEAREST), tests.slice(NEAREST)].map((group) => this.#sound(group));
    const path = join(this.#root, guard.file);
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, without(guard, whole));
    try {
      for (const group of groups) if (group.length > 0 && !this.#passes(group)) return group.join(' ');
      return null;
    } finally {
      writeFileSync(path, whole);
    }
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Those of them that pass as the tree is. */
  #sound(tests: readonly string[]): readonly string[] {
    const name = tests.join(' ');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const sound =
      tests.length === 0 || this.#passes(tests) ? tests : tests.filter((test) => this.#passes([test]));
    this.#known.set(name, sound);
    return sound;
  }

  #passes(tests: readonly string[]): boolean {
    const argv = ['test/run.ts', ...tests, '--fail-fast'];
    const { status } = spawnSync(process.execPath, argv, {
      cwd: this.#root,
      stdio: 'ignore',
      timeout: RUN_MS,
    });
    return status === 0;
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
    }
  } finally {
    tree.remove();
  }
  console.log(`${found} found, ${guards.length - found} survived`);
  process.exitCode = found === guards.length ? 0 : 1;
}

main();
