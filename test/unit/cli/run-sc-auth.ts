// Runs sc_auth for a test: in this process with invented surroundings (quick, any uid), as a process of its own
// with pipes, or as a process on a real terminal (script(1)).

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Surroundings } from '../../../agent/cli/context.ts';
import { run } from '../../../agent/cli/run.ts';

const MAIN = resolve(import.meta.dirname, '../../../agent/cli/main.ts');
export const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN];

/** sc_auth's compiled code is kept from one run to the next: that is two thirds of what a run costs (test/run.ts). */
export const KEPT = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** In this process, as root unless said otherwise; standard input is /dev/null. */
export async function runHere(
  socket: string,
  args: readonly string[],
  over: Partial<Surroundings> = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const stdinFd = openSync('/dev/null', 'r');
  try {
    const code = await run({
      args,
      env: { SCAUTH_IO_SOCKET: socket },
      uid: 0,
      root: '/nowhere',
      userName: () => 'alice',
      stdinFd,
      writeOut: (text) => {
        out += text;
      },
      writeErr: (text) => {
        err += text;
      },
      replyTimeoutMs: 10_000,
      silenceTimeoutMs: 10_000,
      ...over,
    });
    return { code, out, err };
  } finally {
    closeSync(stdinFd);
  }
}

/** As a process; `input` is its standard input, `extra` the contents of descriptors 3, 4, … */
export async function runProcess(
  socket: string,
  args: readonly string[],
  input = '',
  extra: readonly string[] = [],
): Promise<Outcome> {
  const [program = '', ...before] = NODE;
  const child = spawn(program, [...before, ...args], {
    env: { PATH: process.env['PATH'], SCAUTH_IO_SOCKET: socket, ...KEPT },
    stdio: ['pipe', 'pipe', 'pipe', ...extra.map(() => 'pipe' as const)],
  });
  [input, ...extra].forEach((text, index) => {
    const pipe = child.stdio[index === 0 ? 0 : index + 2] as NodeJS.WritableStream;
    pipe.on('error', () => undefined);
    pipe.end(text);
  });
  const collected = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (collected.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (collected.err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...collected };
}

/** A command line on a terminal of its own; `send` types, `expect` waits for text behind the last match. */
export class OnTerminal {
  readonly #child: ChildProcess;
  readonly exit: Promise<number | null>;
  screen = '';
  #seen = 0;
  #changed: () => void = () => undefined;

  /** @param command for sh; sc_auth is `$SC_AUTH` in it */
  constructor(socket: string, command: string) {
    this.#child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: {
        PATH: process.env['PATH'],
        SHELL: '/bin/sh',
        TERM: 'dumb',
        SCAUTH_IO_SOCKET: socket,
        SC_AUTH: NODE.join(' '),
        ...KEPT,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.screen += chunk.toString('latin1');
      this.#changed();
    });
    this.exit = once(this.#child, 'close').then(([code]) => {
      this.#changed();
      return code as number | null;
    });
  }

  send(text: string): void {
    this.#child.stdin?.write(text);
  }

  async expect(text: string): Promise<void> {
    for (;;) {
      const at = this.screen.indexOf(text, this.#seen);
      if (at !== -1) {
        this.#seen = at + text.length;
        return;
      }
      if (this.#child.exitCode !== null && this.#child.stdout?.readableEnded === true) {
        throw new Error(`"${text}" did not come. The screen:\n${this.screen}`);
      }
      await new Promise<void>((wake) => {
        this.#changed = wake;
      });
    }
  }

  /** Ends what is left; for the test's teardown. */
  kill(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
  }
}
