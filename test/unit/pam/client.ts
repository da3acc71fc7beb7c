// Runs test/unit/pam/pam_client.c, the real libpam with services of our own, against a fake agent. Each run has a
// folder, a socket and a confdir of its own; the machine's /etc/pam.d is never read.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startAgent, type ReceivedFrame, type Step } from './agent.ts';
import { MODULES, program, SANITIZER_ENVIRONMENT, type ModuleName } from './build.ts';

/** Codes of Linux-PAM (security/_pam_types.h). */
export const PAM = {
  SUCCESS: 0,
  PERM_DENIED: 6,
  AUTH_ERR: 7,
  AUTHINFO_UNAVAIL: 9,
  USER_UNKNOWN: 10,
  CONV_ERR: 19,
  AUTHTOK_ERR: 20,
  IGNORE: 25,
} as const;

/** A folder with a socket path and pam.d, gone after `remove`. */
export interface PamFolder {
  readonly folder: string;
  readonly socketPath: string;
  readonly confdir: string;
  writeService(name: string, lines: readonly string[]): void;
  remove(): void;
}

export function makePamFolder(): PamFolder {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-pam-'));
  const confdir = join(folder, 'pam.d');
  mkdirSync(confdir);
  return {
    folder,
    confdir,
    socketPath: join(folder, 'pam.sock'),
    writeService(name, lines) {
      writeFileSync(join(confdir, name), lines.join('\n') + '\n');
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Run {
  /** The exit code of the client: 0, or 99 if a sanitizer spoke. */
  readonly exit: number;
  /** phase → PAM code, the last one if a phase was run twice */
  readonly codes: Readonly<Record<string, number>>;
  /** "asked=STYLE:TEXT" and "told=STYLE:TEXT", in order */
  readonly seen: readonly string[];
  /** "PRIORITY:TEXT", the lines of our module only; libpam has its own */
  readonly log: readonly string[];
  readonly user: string;
  readonly leftOpen: string;
  /** `NAME=VALUE`, as a display manager gets it for the session (pam_getenvlist). */
  readonly environment: readonly string[];
  readonly output: string;
  /** What the relay sent, connection by connection. */
  readonly connections: readonly (readonly ReceivedFrame[])[];
}

export interface RunOptions {
  /** What the agent does on each connection; undefined: nobody listens. */
  readonly agent?: readonly Step[];
  /** What it does on all connections but the first. */
  readonly laterAgent?: readonly Step[];
  readonly module?: ModuleName;
  /** Arguments of the module beside socket=; by default a time-out that a busy machine does not meet. */
  readonly moduleArguments?: string;
  /** Lines of the service; MODULE stands for the module with its arguments. */
  readonly stack?: readonly string[];
  /** Arguments of pam_client: KEY=VALUE and phases; SOCKET stands for the agent's path. */
  readonly client?: readonly string[];
  /** Called before the run, when the folder is there. */
  readonly prepare?: (folder: PamFolder) => void;
  /** Called after the run, while the folder is still there. */
  readonly inspect?: (folder: PamFolder) => void;
}

const ALONE = ['auth', 'account', 'session', 'password'].map((kind) => `${kind} required MODULE`);

function parse(output: string): Omit<Run, 'exit' | 'connections' | 'output'> {
  const codes: Record<string, number> = {};
  const seen: string[] = [];
  const log: string[] = [];
  const environment: string[] = [];
  let user = '';
  let leftOpen = '';
  for (const line of output.split('\n')) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(line) ?? [];
    if (key === 'asked' || key === 'told') seen.push(line);
    else if (key === 'log') log.push(...(value.includes(':pam_scauth(') ? [value] : []));
    else if (key === 'environment') environment.push(value);
    else if (key === 'user') user = value;
    else if (key === 'left-open') leftOpen = value;
    else if (key !== '') codes[key] = Number(value);
  }
  return { codes, seen, log, environment, user, leftOpen };
}

function runClient(file: string, parameters: readonly string[]): Promise<{ exit: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(file, parameters, { env: SANITIZER_ENVIRONMENT }, (_error, stdout, stderr) => {
      resolve({ exit: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

/** Runs the client once; by default `authenticate` for alice, our module alone, under ASan and UBSan. */
export async function runPam(options: RunOptions): Promise<Run> {
  const place = makePamFolder();
  const moduleName = options.module ?? 'asan';
  const moduleLine = `${MODULES[moduleName]} socket=${place.socketPath} ${options.moduleArguments ?? 'timeout=30'}`;
  const agent = options.agent && (await startAgent(place.socketPath, options.agent, options.laterAgent));
  try {
    const stack = options.stack ?? ALONE;
    place.writeService(
      'test',
      stack.map((line) => line.replace('MODULE', moduleLine)),
    );
    options.prepare?.(place);
    const file = program('pam_client', moduleName === 'plain' ? 'plain' : 'sanitized');
    const client = (options.client ?? ['user=alice', 'authenticate']).map((word) =>
      word.replace('SOCKET', place.socketPath),
    );
    const { exit, output } = await runClient(file, [place.confdir, 'test', ...client]);
    options.inspect?.(place);
    return { exit, output, ...parse(output), connections: agent?.connections ?? [] };
  } finally {
    await agent?.close();
    place.remove();
  }
}
