// Many test files in one process: to start one, with ava and the modules that all of them share, costs a file of the unit
// ten times what its tests do. Each keeps its name in the report and in the times, and its tests run one after the other.
// A file goes by itself where it starts programs, for which it waits, or changes what a process has one of. A file that is
// named on the command line goes by itself too: so it is seen to need no other.

import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Below test/, where ava looks for tests. */
const FOLDER = 'test/artifacts/together';
const ROOT = join(import.meta.dirname, '..');
/** In a process of their own: they count the secrets that are held, and a server of another file may let go of one late. */
const STORIES = /^test\/unit\/stories\//;
/** In the file itself. */
const BY_ITSELF =
  /mock\.timers|process\.(env|chdir|on|umask|exit|set\w*id|std\w+)\b|globalThis|test\.(macro|failing)/;
/** Their tests wait for timers, or for one read of a file after the other, and so side by side. */
const WAITING: readonly string[] = [
  'test/unit/book/fleet.test.ts',
  'test/unit/book/officers.test.ts',
  'test/unit/socket/say-and-detail.test.ts',
  'test/unit/token/held-and-mute.test.ts',
  'test/unit/token/piv/registry.test.ts',
];
/** In the file, or in what it is made with. */
const PROGRAMS = /from 'node:(child_process|worker_threads)'/;

/** How ava calls such a process in a title. */
const PREFIX = /^artifacts › together › \d+ › /;

/** A title as it is where the file has a process of its own. */
export function withoutProcess(title: string): string {
  return title.replace(PREFIX, '');
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Whether a file of test/ in the tree `root`, or one of those that it imports, starts programs. */
export function startsPrograms(file: string, root = ROOT, seen = new Set<string>()): boolean {
  if (seen.has(file) || !file.startsWith('test/') || !existsSync(join(root, file))) return false;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  return (
    PROGRAMS.test(text) ||
    [...text.matchAll(/ from '(\.[^']+\.ts)'/g)].some(([, path = '']) =>
      startsPrograms(join(dirname(file), path), root, seen),
    )
  );
}

/** Which files run by themselves, and which in each process of many. */
export function sortOut(files: readonly string[]): { alone: string[]; together: string[][] } {
  const fit = (file: string): boolean =>
    !WAITING.includes(file) && !BY_ITSELF.test(read(file)) && !startsPrograms(file);
  const many = files.filter(fit);
  const others = many.filter((file) => !STORIES.test(file));
  // Two processes for the others, so that two processors have as much to do.
  const half = (odd: number): string[] => others.filter((_, at) => at % 2 === odd);
  return {
    alone: files.filter((file) => !many.includes(file)),
    together: [half(0), half(1), many.filter((file) => STORIES.test(file))].filter((own) => own.length > 0),
  };
}

/**
 * Writes the test files that stand for many.
 * @returns what ava is told to run in the place of `files`
 */
export function putTogether(files: readonly string[]): string[] {
  const { alone, together } = sortOut(files);
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const entries = together.map((own, index) => {
    const entry = `${FOLDER}/${index + 1}.test.ts`;
    const program = `import { runTogether } from '../../together.ts';\nawait runTogether(${JSON.stringify(own)});\n`;
    writeFileSync(join(ROOT, entry), program);
    return entry;
  });
  return [...entries, ...alone];
}

/** All files that `patterns` name. */
export function filesOf(patterns: readonly string[]): string[] {
  return globSync(patterns, { cwd: ROOT, exclude: ['test/artifacts/**'] }).sort();
}

/** What the tests of a file have cost. */
interface Cost {
  ms: number;
  cpuMs: number;
}

const costs = new Map<string, Cost>();

/** Runs `act`, and notes what it cost. */
export async function costing<T>(file: string, act: () => T | Promise<T>): Promise<T> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  try {
    return await act();
  } finally {
    const { user, system } = process.cpuUsage(before);
    const cost = costs.get(file) ?? { ms: 0, cpuMs: 0 };
    cost.ms += performance.now() - startMs;
    cost.cpuMs += (user + system) / 1000;
    costs.set(file, cost);
  }
}

/** Loads the files; each gets an ava of its own (ava-of-file.ts). */
export async function runTogether(files: readonly string[]): Promise<void> {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const file = relative(ROOT, new URL(context.parentURL ?? import.meta.url).pathname);
      if (specifier !== 'ava' || !files.includes(file)) return nextResolve(specifier, context);
      const url = new URL(`./ava-of-file.ts?file=${file}&`, import.meta.url);
      return { url: url.href, shortCircuit: true };
    },
  });
  for (const file of files) await costing(file, () => import(pathToFileURL(join(ROOT, file)).href));
  const into = process.env['SCAUTH_TEST_TIMES'];
  if (into === undefined) return;
  process.on('exit', () => {
    for (const [file, { ms, cpuMs }] of costs)
      appendFileSync(into, `${Math.round(ms)} ${Math.round(cpuMs)} ${file}\n`);
  });
}
