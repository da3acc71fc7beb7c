// A login by client.c: what was asked, what was said, how it ended. It knows nothing of any PAM module.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';

const PROGRAM = 'build/compliance/client';

export function compileClient(): void {
  mkdirSync(join(REPOSITORY, 'build/compliance'), { recursive: true });
  const source = join(import.meta.dirname, 'client.c');
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];
  // Another run may be using the one that is there.
  const fresh = `${join(REPOSITORY, PROGRAM)}-${process.pid}`;
  execFileSync('cc', [...flags, '-o', fresh, source, '-lpam']);
  renameSync(fresh, join(REPOSITORY, PROGRAM));
}

/** What is said to a question: a text, or what a client does instead (client.c). */
export type Reply = { readonly text: string } | 'null' | 'error' | 'missing';

export interface End {
  /** PAM's codes (pam.h: 0 is PAM_SUCCESS); null: the phase did not come to its end. */
  readonly authenticate: number | null;
  readonly account: number | null;
  /** Both phases said yes. */
  readonly letIn: boolean;
  readonly questions: readonly string[];
  readonly messages: readonly string[];
  /** Whether each question was asked without echo. */
  readonly hidden: boolean;
  /** More files are open after pam_end than before pam_start. */
  readonly leaksFiles: boolean;
}

/** A module took the client with it. */
export class Crashed extends Error {}
/** It was not over in time. */
export class Hangs extends Error {}

export interface LoginOptions {
  readonly user?: string;
  /** Who runs the client: root, or for a screen lock the person. */
  readonly as?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly tty?: string;
  readonly withinMs: number;
  /** It begins only when it is told to: begin(). */
  readonly held?: boolean;
}

/** Waits for a line, which is not the program's. */
const HELD = ['sh', '-c', 'read -r begin && exec "$@"', 'sh'];

export class Login {
  readonly #child: ChildProcess;
  readonly #sandbox: Sandbox;
  readonly #said: string[] = [];
  readonly #ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #deadline: number;
  #taken = 0;
  #over = false;
  #wake: () => void = () => undefined;

  constructor(sandbox: Sandbox, service: string, options: LoginOptions) {
    const { as, user = sandbox.user, env = {}, tty, held = false } = options;
    this.#sandbox = sandbox;
    this.#deadline = performance.now() + options.withinMs;
    const argv = [`${APP}/${PROGRAM}`, service, user, ...(tty === undefined ? [] : [tty])];
    this.#child = sandbox.namespace.spawn([...(held ? HELD : []), ...argv], {
      ...(as !== undefined && { user: as }),
      env: { ...sandbox.environment(as), ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.stdin?.on('error', () => undefined);
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the client has no output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.#said.push(line);
      this.#wake();
    });
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#over = true;
        this.#wake();
        resolve({ code, signal });
      });
    });
  }

  /** @throws Hangs */
  async #next(): Promise<void> {
    const woken = new Promise<'woken'>((resolve) => {
      this.#wake = () => {
        resolve('woken');
      };
    });
    if (this.#over) return;
    const stop = new AbortController();
    const late = pause(Math.max(0, this.#deadline - performance.now()), 'late', { signal: stop.signal });
    const how = await Promise.race([woken, late.catch(() => 'late')]);
    stop.abort();
    if (how === 'woken') return;
    this.kill();
    await this.#ended;
    throw new Hangs(this.#said.join(' | '));
  }

  /** Ends it, as somebody who gives up. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    const { pid } = this;
    if (pid !== null) process.kill(pid, signal);
  }

  /** Lets one go on that was stopped by SIGSTOP: nsenter(1), which leads to it, stops with it and wakes it up. */
  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** The next question that was not answered yet; null: none comes any more. @throws Hangs */
  async question(): Promise<string | null> {
    for (;;) {
      const at = this.#said.findIndex((line, index) => index >= this.#taken && line.startsWith('ask '));
      if (at >= 0) {
        this.#taken = at + 1;
        return this.#said[at]?.replace(/^ask \w+ /, '') ?? null;
      }
      if (this.#over || this.#said.some((line) => line.startsWith('files '))) return null;
      await this.#next();
    }
  }

  /** Waits until something like it is said or asked; false: it is over, and nothing was. @throws Hangs */
  async says(pattern: RegExp): Promise<boolean> {
    while (!this.#said.some((line) => pattern.test(line))) {
      if (this.#over) return false;
      await this.#next();
    }
    return true;
  }

  answer(reply: Reply): void {
    this.#child.stdin?.write(`${typeof reply === 'string' ? reply : `=${reply.text}`}\n`);
  }

  /** Until one that is held runs, and waits. */
  async untilHeld(): Promise<void> {
    while (this.pid === null && !this.#over) await pause(1);
  }

  /** Lets one begin that is held. */
  begin(): void {
    this.#child.stdin?.write('\n');
  }

  /** As the machine counts; null: it has ended. */
  get pid(): number | null {
    return this.#sandbox.namespace.pidOf(this.#child);
  }

  /** @throws Hangs; Crashed */
  async end(): Promise<End> {
    await this.says(/^files /);
    this.#child.stdin?.end();
    while (!this.#over) await this.#next();
    const { code, signal } = await this.#ended;
    if (signal !== null || (code ?? 0) >= 128) throw new Crashed(signal ?? String(code));
    if (code !== 0) throw new Error(`the client ended with ${String(code)}`);
    const codeOf = (phase: string): number | null => {
      const line = this.#said.find((one) => one.startsWith(`result ${phase} `));
      return line === undefined ? null : Number(line.split(' ')[2]);
    };
    const texts = (kind: string): string[] =>
      this.#said
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.split(' ').slice(2).join(' '));
    const [, before = '', after = ''] =
      this.#said.find((line) => line.startsWith('files '))?.split(' ') ?? [];
    const authenticate = codeOf('authenticate');
    const account = codeOf('account');
    return {
      authenticate,
      account,
      letIn: authenticate === 0 && account === 0,
      questions: texts('ask'),
      messages: texts('message'),
      hidden: this.#said.every((line) => !line.startsWith('ask shown ')),
      leaksFiles: Number(after) > Number(before),
    };
  }
}
