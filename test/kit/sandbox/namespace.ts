// The namespaces of one sandbox (mount, network, processes) and the way into them.
// It knows nothing of cards, PAM or scauthd: it makes the world (init.sh), runs programs in it, and ends it.
// Specifications: unshare(1), nsenter(1), setpriv(1), pid_namespaces(7).
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The repository that this file belongs to, as the machine sees it. */
export const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** The same repository as programs in a sandbox see it: read-only, below folders that everybody may enter. */
export const APP = '/run/sandbox/app';

/** sc_auth and its like, and what a sandbox has beside them. */
export const PROGRAMS = `${APP}/install/bin:${APP}/test/kit/sandbox/bin`;

export interface RunOptions {
  /** Account in the sandbox; without it, root. */
  readonly user?: string;
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder in the sandbox; without it, `/`. */
  readonly cwd?: string;
  /** Run in a session of its own, with standard input (a terminal) as its controlling terminal. */
  readonly newSession?: boolean;
  readonly stdio?: StdioOptions;
}

/** Process ids, as the machine counts them, of the children of `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

/** The child of a program that has one; quicker than to look at every process, where the kernel keeps such lists. */
function childOf(pid: number): number | null {
  try {
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
    return child === '' ? null : Number(child);
  } catch {
    return childrenOf(pid)[0] ?? null;
  }
}

/** @returns null if there is no such process (any more) */
function parentOf(pid: number): number | null {
  try {
    // The name in parentheses may hold spaces and parentheses: read from the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

/** The id that a process of a sandbox has in there. `pid` is the machine's id. */
export function insidePid(pid: number): number {
  const line = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';
  return Number(line.trim().split(/\s+/).at(-1));
}

/** The folder in which libpam of this machine looks for a module with a bare name. */
export function pamModuleFolder(): string {
  for (const library of ['/usr/lib', '/lib', '/usr/lib64', '/lib64']) {
    if (!existsSync(library)) continue;
    const architectures = readdirSync(library).filter((name) => name.endsWith('-linux-gnu'));
    for (const folder of [...architectures, '']) {
      const modules = join(library, folder, 'security');
      if (existsSync(join(modules, 'pam_unix.so'))) return modules;
    }
  }
  throw new Error('pam_unix.so was not found: install libpam-modules.');
}

export class Namespace {
  readonly #unshare: ChildProcess;
  /** Process 1 of the sandbox, as the machine counts it. */
  readonly initPid: number;

  private constructor(unshare: ChildProcess, initPid: number) {
    this.#unshare = unshare;
    this.initPid = initPid;
  }

  /**
   * @param pcsc `vpcd`: an empty /run/pcscd for a pcscd of its own; `reader`: the machine's
   * @param init process 1: a script that makes the world, says "ready" and reaps; with its arguments
   * @throws Error with what the set-up said, and the next step
   */
  static async start(
    pcsc: 'vpcd' | 'reader',
    init: readonly string[] = [
      ...[join(import.meta.dirname, 'init.sh'), REPOSITORY, pamModuleFolder(), pcsc],
      // Only `npm test` sets it (bundle.ts).
      process.env['SCAUTH_TEST_BUNDLE'] ?? '',
    ],
  ): Promise<Namespace> {
    if (process.getuid?.() !== 0) throw new Error('A sandbox needs root: start it with sudo.');
    if (pcsc === 'reader' && !existsSync('/run/pcscd/pcscd.comm')) {
      throw new Error(
        'pcscd is not running on this machine: start it (systemctl start pcscd.socket) and try again.',
      );
    }
    const unshare = spawn(
      'setpriv',
      // When our process dies, by whatever, unshare dies; with unshare process 1 dies, and with that everything.
      // prettier-ignore
      ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc',
        '--propagation', 'private', '--', '/bin/bash', ...init],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env: baseEnvironment() },
    );
    let said = '';
    unshare.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const ready = new Promise<boolean>((settle) => {
      unshare.stdout.once('data', () => {
        settle(true);
      });
      unshare.once('close', () => {
        settle(false);
      });
      unshare.once('error', (error) => {
        said += error.message;
        settle(false);
      });
    });
    const initPid = (await ready) && unshare.pid !== undefined ? childOf(unshare.pid) : null;
    if (initPid === null) {
      throw new Error(
        `The sandbox could not be made: ${said.trim() || 'no reason given'}. ` +
          'It needs root with CAP_SYS_ADMIN: in a container, run that one with --privileged.',
      );
    }
    return new Namespace(unshare, initPid);
  }

  /** Where the machine finds the file `path` of the sandbox; it works for Unix sockets too. */
  path(path: string): string {
    return `/proc/${this.initPid}/root${path}`;
  }

  /** Starts a program in the sandbox. The returned process is nsenter; {@link pidOf} finds the program. */
  spawn(argv: readonly string[], options: RunOptions): ChildProcess {
    const account = options.user ?? 'root';
    // prettier-ignore
    const enter = ['--target', String(this.initPid), '--mount', '--net', '--pid', '--root', '--',
      'env', `--chdir=${options.cwd ?? '/'}`,
      ...(options.newSession === true ? ['setsid', '--ctty', '--wait'] : []),
      ...(account === 'root' ? [] : ['setpriv', `--reuid=${account}`, `--regid=${account}`, '--init-groups', '--']),
      ...argv];
    return spawn('nsenter', enter, { env: { ...options.env }, stdio: options.stdio ?? 'pipe' });
  }

  /** @returns the machine's id of the program that {@link spawn} started; null before it runs and after it ended */
  pidOf(nsenter: ChildProcess): number | null {
    return nsenter.pid === undefined ? null : childOf(nsenter.pid);
  }

  /** Programs in it, as the machine counts them; those that lead into it are not. */
  processes(): { readonly pid: number; readonly name: string; readonly line: string }[] {
    const own = readlinkSync(`/proc/${this.initPid}/ns/pid`);
    return readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return [];
      try {
        if (readlinkSync(`/proc/${pid}/ns/pid`) !== own) return [];
        const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
        return [{ pid: Number(pid), name, line: readFileSync(`/proc/${pid}/cmdline`, 'latin1') }];
      } catch {
        return []; // it has ended
      }
    });
  }

  /** Ends every process in it. All of its mounts and files go with the last of them. */
  async stop(): Promise<void> {
    if (this.#unshare.exitCode !== null || this.#unshare.signalCode !== null) return;
    const ended = once(this.#unshare, 'close');
    // unshare waits for process 1, and the kernel lets that end only after all the others.
    process.kill(this.initPid, 'SIGKILL');
    await ended;
  }
}

/** What programs of the sandbox get when nothing else is asked for. */
export function baseEnvironment(): Record<string, string> {
  return {
    PATH: `${PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    TERM: process.env['TERM'] ?? 'dumb',
  };
}
