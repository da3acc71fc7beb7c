// What a command gets from its surroundings: who runs it, where its words go, how long it waits. Nothing in
// agent/cli reads process.* beside main.ts and terminal.ts, so that a test can be the surroundings.

import { IO_SOCKET, rootSocketPath } from '../base/socket-paths.ts';
import type { Output, Writers } from './terminal/output.ts';

export interface Surroundings extends Writers {
  /** Arguments after `sc_auth`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** Where / is found; absent: there. */
  readonly root?: string;
  /** Login name of `uid`. */
  readonly userName: () => string;
  /** Where answers are read when there is no terminal; 0 outside of tests. */
  readonly stdinFd: number;
  /** Longest wait for the reply to a call. */
  readonly replyTimeoutMs: number;
  /** Longest silence of scauthd in a conversation (PROTOCOL.md, 1.4). */
  readonly silenceTimeoutMs: number;
  /** Standard error is a terminal: a bar may move there. Absent: it is none. */
  readonly errIsTerminal?: boolean;
  /** Writes a secret, printable ASCII, to standard error. Absent: there is nobody to see it. */
  readonly writeSecret?: (secret: Uint8Array) => void;
  /** Whoever read standard output has gone (`| head`): long output ends there. Absent: nobody goes. */
  readonly readerGone?: () => boolean;
  /** Resolves when whoever reads standard output has taken enough; null at once. Absent: nobody is slow. */
  readonly drained?: () => Promise<void> | null;
}

export const REPLY_TIMEOUT_MS = 10_000;
export const SILENCE_TIMEOUT_MS = 5_000;

/** The surroundings and the output of one run. */
export interface CommandContext extends Surroundings {
  readonly output: Output;
}

/** One file a command. */
export interface Command {
  /** The text of `sc_auth NAME --help`. */
  readonly help: string;
  /**
   * Runs the command with the arguments behind its name.
   * @throws CommandError
   */
  run(args: readonly string[], context: CommandContext): Promise<void>;
}

/** Where scauthd listens for everybody. */
export function socketPath(context: Surroundings): string {
  const named = context.env['SCAUTH_IO_SOCKET'];
  return named === undefined || named === '' ? IO_SOCKET : named;
}

/** Where to call scauthd, the better way first: nobody but root can fill the queue of root's own socket. */
export function socketPaths(context: Surroundings): readonly [string, ...string[]] {
  const path = socketPath(context);
  return context.uid === 0 ? [rootSocketPath(path), path] : [path];
}

/** The person behind sudo, or null when root is root itself (or nobody used sudo). */
export function sudoUser(context: Surroundings): string | null {
  const name = context.env['SUDO_USER'];
  return context.uid !== 0 || name === undefined || name === '' || name === 'root' ? null : name;
}
