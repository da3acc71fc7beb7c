// strike.c, compiled, at a program of a sandbox: a signal at its Nth system call, or how many calls it makes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from '../../kit/sandbox/namespace.ts';

const FOLDER = join(REPOSITORY, 'build/faults');
const PROGRAM = join(FOLDER, 'strike');

/** asm/unistd.h */
export const CONNECT = process.arch === 'arm64' ? 203 : 42;

export function compileStrike(): void {
  mkdirSync(FOLDER, { recursive: true });
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];
  // Another run may be using the one that is there.
  const fresh = `${PROGRAM}-${process.pid}`;
  execFileSync('cc', [...flags, '-o', fresh, join(import.meta.dirname, 'strike.c')]);
  renameSync(fresh, PROGRAM);
}

export type Blow = 'KILL' | 'STOP';

export class Strike {
  readonly #child: ChildProcess;
  /** How many calls were counted; whether the signal was sent. */
  readonly over: Promise<{ readonly count: number; readonly isStruck: boolean }>;

  private constructor(child: ChildProcess, ready: () => void) {
    this.#child = child;
    let said = '';
    if (child.stdout !== null)
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'ready') ready();
        else said = line;
      });
    this.over = new Promise((resolve) => {
      child.once('close', () => {
        const [word, count] = said.split(' ');
        resolve({ count: Number(count ?? 0), isStruck: word === 'struck' });
      });
    });
  }

  /**
   * Watches a program from now on.
   * @param pid as the machine counts
   * @param at which call, from 1 on; 0: it is only counted
   * @param from the number of the call with which the count begins; absent: any
   */
  static async on(pid: number, at: number, blow: Blow, from?: number): Promise<Strike> {
    const args = [String(pid), String(at), blow, ...(from === undefined ? [] : ['from', String(from)])];
    const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let strike: Strike | undefined;
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => {
        reject(new Error(`process ${pid} cannot be watched`));
      });
      strike = new Strike(child, resolve);
    });
    if (strike === undefined) throw new Error('unreachable');
    return strike;
  }

  /** Lets it go. */
  async end(): Promise<{ readonly count: number; readonly isStruck: boolean }> {
    this.#child.kill('SIGTERM');
    return this.over;
  }
}
