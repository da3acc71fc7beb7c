// Runs and times programs in a sandbox by stopwatch.c, which stands in there for the whole benchmark: neither Node nor
// the way into the namespaces is in a figure. It also compiles the two C programs of this folder.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { APP, type Namespace, REPOSITORY } from '../kit/sandbox/namespace.ts';

const FOLDER = 'build/bench';

/** @throws Error with the compiler's messages and the next step */
export function compilePrograms(): void {
  mkdirSync(join(REPOSITORY, FOLDER), { recursive: true });
  for (const name of ['bare', 'stopwatch']) {
    const source = join(import.meta.dirname, `${name}.c`);
    // prettier-ignore
    const options = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-O2', '-I/usr/include/PCSC', source,
      '-o', join(REPOSITORY, FOLDER, name), '-lpcsclite'];
    try {
      execFileSync('gcc', options, { stdio: ['ignore', 'inherit', 'inherit'] });
    } catch (cause) {
      throw new Error(`${source} does not compile. It needs: apt-get install gcc libpcsclite-dev`, { cause });
    }
  }
}

/** Where programs of a sandbox find a program that {@link compilePrograms} made. */
export function programPath(name: 'bare' | 'stopwatch'): string {
  return join(APP, FOLDER, name);
}

/** 128 + n after signal n. */
export class ProgramFailed extends Error {
  readonly status: number | undefined;

  constructor(words: readonly string[], status: number | undefined) {
    super(`'${words.join(' ')}' failed with ${String(status)}.`);
    this.status = status;
  }
}

export class Stopwatch {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  /** @param env the environment of the programs */
  constructor(namespace: Namespace, env: Readonly<Record<string, string>>) {
    this.#child = namespace.spawn([programPath('stopwatch')], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('The stopwatch has no standard output.');
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Runs programs one after the other.
   * @param input a line for the standard input of the first
   * @returns milliseconds from before the first starts until the last has ended
   * @throws Error if one of them fails
   */
  async time(input: string, ...programs: readonly (readonly string[])[]): Promise<number> {
    const words = programs.flatMap((words, index) => (index === 0 ? words : ['--next', ...words]));
    this.#child.stdin?.write(`${[input, ...words].join('\t')}\n`);
    const answer: IteratorResult<string, unknown> = await this.#answers.next();
    if (answer.done === true) throw new Error('The stopwatch has ended.');
    const [nanoseconds, status] = answer.value.split(' ').map(Number);
    if (nanoseconds === undefined || status !== 0) {
      throw new ProgramFailed(words, status);
    }
    return nanoseconds / 1e6;
  }

  stop(): void {
    this.#child.stdin?.end();
  }
}
