// `npm test`: the tests that every change has to pass (steps.ts), and types, lint and format beside them; the last line is
// `N passed, N failed`. `--system` and `--long` run the other tests, `--unit` what of test/unit starts no programs,
// `--changed` the tests that the change since the last commit can reach, `--soak` test/**/*.soak.ts, one at a time. File
// names and `--match PATTERN` go to ava, and then only ava runs.
// Each step that is not ava counts as one test. The full output of each step lies in test/artifacts.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { changedTests } from './changed.ts';
import { BUNDLE, bundlePrograms } from './kit/sandbox/bundle.ts';
import { TapReader } from './kit/tap.ts';
import { filesOfStep } from './steps.ts';
import { putTogether, startsPrograms } from './together.ts';
import { slowestFirst } from './times.ts';

const REPOSITORY = resolve(import.meta.dirname, '..');
const ARTIFACTS = join(REPOSITORY, 'test/artifacts');
const MODULES = join(REPOSITORY, 'node_modules');
/** For each process of the tests and of their sandboxes, of whatever user: Node keeps one folder a user in it. */
const COMPILE_CACHE = join(REPOSITORY, 'build/compile-cache');
/** How long each test file took. */
const TIMES = join(ARTIFACTS, 'times.txt');
const STEP_MS = 10 * 60_000;
const AVA_MS = 40 * 60_000;
const SOAK_MS = 24 * 60 * 60_000;
/** Files at a time. More than there are processors: a sandbox waits for readers, deadlines and people. */
const CONCURRENCY = Math.min(8, 2 * availableParallelism());
/** A long test has a processor to do by itself, and what it waits for has deadlines. */
const CONCURRENCY_LONG = CONCURRENCY / 2;
const SOAK = ['--config', 'ava.soak.config.js', '--concurrency', '1'];
/** Lines of a failed step that are shown; the rest is in the artifact. */
const SHOWN_LINES = 60;

interface Ended {
  readonly ok: boolean;
  /** Why it is not ok, when its output does not say so. */
  readonly reason: string;
  readonly output: string;
}

/** Whether sandboxes run the package's programs. */
let bundled = false;

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

function paint(code: number, text: string): string {
  return colour ? `\x1b[${code}m${text}\x1b[0m` : text;
}

const PASSED = paint(32, 'passed');
const FAILED = paint(31, 'FAILED');

/** Runs a program without standard input to its end; `onLine` gets each line of its standard output. */
async function run(
  argv: readonly string[],
  timeoutMs: number,
  onLine?: (line: string) => void,
): Promise<Ended> {
  const [program = '', ...args] = argv;
  const child: ChildProcess = spawn(program, args, {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: `${MODULES}/.bin:${process.env['PATH'] ?? ''}`,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      SCAUTH_TEST_TIMES: TIMES,
      ...(bundled && { SCAUTH_TEST_BUNDLE: BUNDLE }),
      NO_COLOR: '1',
      FORCE_COLOR: '0',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  if (child.stdout !== null && onLine !== undefined)
    createInterface({ input: child.stdout }).on('line', onLine);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const reason = await new Promise<string>((settle) => {
    child.on('error', (error) => {
      settle(error.message);
    });
    child.on('close', (code, signal) => {
      settle(
        code === 0
          ? ''
          : late
            ? `not ready after ${timeoutMs / 60_000} min`
            : `ended with ${String(code ?? signal)}`,
      );
    });
  });
  clearTimeout(timer);
  return { ok: reason === '', reason, output };
}

function keep(name: string, output: string): void {
  writeFileSync(join(ARTIFACTS, `${name}.txt`), output);
}

function node(script: string, ...args: string[]): string[] {
  return [process.execPath, join(MODULES, script), ...args];
}

/** The steps that are not ava, in order. A step without files to look at is left out. */
function steps(): { name: string; argv: string[] }[] {
  const sources = [
    'pam/module/*.[ch]',
    'test/unit/pam/*.[ch]',
    'agent/token/pkcs11/*.c',
    'test/kit/ifd/*.[ch]',
    'test/bench/*.c',
    'test/package/*.c',
    'test/soak/*.c',
    'test/compliance/*.c',
    'test/system/faults/*.c',
    'test/fuzz/module/*.[ch]',
  ];
  const c = sources.flatMap((pattern) => globSync(pattern, { cwd: REPOSITORY })).sort();
  return [
    {
      name: 'types',
      argv: node('typescript-7/bin/tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', 'build/types.json'),
    },
    // It runs in a browser, whose names the other programs do not have.
    { name: 'types of the page', argv: node('typescript-7/bin/tsc', '-p', 'agent/console') },
    { name: 'lint', argv: node('oxlint/bin/oxlint', '--type-aware', '--deny-warnings') },
    {
      name: 'format',
      argv: node(
        'prettier/bin/prettier.cjs',
        '--cache',
        '--cache-location',
        'build/format.json',
        '--check',
        '--log-level',
        'warn',
        '.',
      ),
    },
    ...(c.length === 0
      ? []
      : [{ name: 'format of C', argv: ['clang-format', '--dry-run', '-Werror', ...c] }]),
  ];
}

function secondsSince(startMs: number): string {
  return `${Math.round((performance.now() - startMs) / 1000)} s`;
}

/** Test files without an end: ava gives up when nothing has happened for long, and names none of those it waited for. */
function unended(files: readonly string[]): string[] {
  const ended = new Set(
    existsSync(TIMES) ? slowestFirst(readFileSync(TIMES, 'utf8')).map(({ file }) => file) : [],
  );
  return files.filter((file) => !ended.has(file));
}

/** What took longest. */
function showSlowest(): void {
  if (!existsSync(TIMES)) return;
  const slowest = slowestFirst(readFileSync(TIMES, 'utf8')).slice(0, 10);
  if (slowest.length < 2) return;
  console.log('slowest files:');
  const s = (ms: number): string => `${Math.round(ms / 1000)} s`;
  for (const { file, ms, cpuMs } of slowest) console.log(`  ${s(ms)}, ${s(cpuMs)} of a processor: ${file}`);
}

async function runStep({ name, argv }: { name: string; argv: string[] }): Promise<boolean> {
  const startMs = performance.now();
  const { ok, reason, output } = await run(argv, STEP_MS);
  keep(name.replaceAll(' ', '-'), output);
  console.log(`${name}: ${ok ? PASSED : `${FAILED} (${reason})`}, ${secondsSince(startMs)}`);
  if (!ok) console.log(output.split('\n').slice(0, SHOWN_LINES).join('\n'));
  return ok;
}

async function runAva(
  args: readonly string[],
  timeoutMs: number,
  files: readonly string[],
): Promise<{ passed: number; failed: number }> {
  const tap = new TapReader();
  let shown = 0;
  const showFailures = (all: boolean): void => {
    // The last failure may still get its details.
    for (; shown < tap.failures.length - (all ? 0 : 1); shown++) {
      const { title = '', detail = [] } = tap.failures[shown] ?? {};
      console.log(`${FAILED}: ${title}\n${detail.slice(0, SHOWN_LINES).join('\n')}`);
    }
  };
  const argv = node('ava/entrypoints/cli.js', '--tap', ...args);
  const { ok, reason, output } = await run(argv, timeoutMs, (line) => {
    tap.read(line);
    // What takes hours shows each result as it comes.
    if (timeoutMs === SOAK_MS) console.log(line);
    else showFailures(false);
  });
  showFailures(true);
  keep('ava', output);
  for (const { file, passed, total } of tap.files()) {
    console.log(
      `${file === '' ? 'tests' : file}: ${passed} of ${total} ${passed === total ? PASSED : FAILED}`,
    );
  }
  showSlowest();
  if (tap.skipped > 0) console.log(`${tap.skipped} skipped`);
  // Dead without a failed test to show for it: that is a failure too.
  const crashed = !tap.planned || (!ok && tap.failed === 0);
  const open = crashed ? unended(files) : [];
  if (open.length > 0) console.log(`${FAILED}: no end of ${open.slice(0, 20).join(', ')}`);
  if (crashed)
    console.log(
      `${FAILED}: ava ${reason || 'printed no plan'}\n${output.split('\n').slice(-SHOWN_LINES).join('\n')}`,
    );
  return { passed: tap.passed, failed: tap.failed + (crashed ? 1 : 0) };
}

/** Under sudo, what we wrote belongs to the person who called. */
function giveBack(): void {
  const owner = Number(process.env['SUDO_UID']);
  if (process.getuid?.() !== 0 || !Number.isInteger(owner)) return;
  for (const path of globSync([ARTIFACTS, `${ARTIFACTS}/*`, COMPILE_CACHE, `${COMPILE_CACHE}/**`]))
    chownSync(path, owner, -1);
}

const MODES = ['--system', '--long', '--unit', '--changed', '--soak'] as const;

/** The test files of a mode; none where ava's configuration names them. */
function testsOf(mode: (typeof MODES)[number] | null): string[] {
  switch (mode) {
    case '--system':
      return filesOfStep('test:system');
    case '--long':
      return filesOfStep('test:long');
    case '--unit':
      return filesOfStep('test').filter((file) => file.startsWith('test/unit/') && !startsPrograms(file));
    case '--changed':
      return changedTests(REPOSITORY);
    case '--soak':
      return [];
    case null:
      return filesOfStep('test');
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const mode = MODES.find((word) => args.includes(word)) ?? null;
  const forAva = args.filter((word) => word !== mode);
  const named = forAva.length > 0;
  // Files that are named stand in place of a mode's own.
  const namesFiles = forAva.some((word) => word.endsWith('.ts'));
  const files = namesFiles || (named && mode === null) ? [] : testsOf(mode);
  if (mode === '--changed' && !namesFiles && files.length === 0) {
    console.log('no test is reached by what was changed since the last commit');
    return;
  }
  rmSync(ARTIFACTS, { recursive: true, force: true });
  mkdirSync(ARTIFACTS, { recursive: true });
  mkdirSync(COMPILE_CACHE, { recursive: true });
  chmodSync(COMPILE_CACHE, 0o1777);

  let passed = 0;
  let failed = 0;
  let looked: Promise<void> | null = null;
  if (!named && mode === null) {
    // Beside ava, whose tests wait for much of their time.
    looked = (async () => {
      for (const step of steps()) {
        if (await runStep(step)) passed++;
        else failed++;
      }
    })();
  }
  const wanted = [...files, ...forAva];
  if (wanted.length === 0 || wanted.some((word) => !word.startsWith('test/unit/'))) {
    await bundlePrograms();
    bundled = true;
  }
  const tests =
    mode === '--soak'
      ? await runAva([...SOAK, ...forAva], SOAK_MS, [])
      : await runAva(
          [
            ...['--concurrency', String(mode === '--long' ? CONCURRENCY_LONG : CONCURRENCY)],
            ...(named ? wanted : putTogether(files)),
          ],
          AVA_MS,
          named ? [] : files,
        );
  await looked;
  passed += tests.passed;
  failed += tests.failed;
  giveBack();
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
  console.log(`${passed} passed, ${failed} failed`);
}

await main();
