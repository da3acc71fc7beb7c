// Floods of scauthd's sockets in a sandbox, by the program beside this file.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { APP } from '../../kit/sandbox/namespace.ts';
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';

export const FLOOD_MODES = ['idle', 'half', 'slow', 'frames', 'oneway', 'calls', 'more'] as const;
export type FloodMode = (typeof FLOOD_MODES)[number];

export interface Flood {
  readonly socket: 'pam.sock' | 'io.scauth';
  readonly mode: FloodMode | 'oneway-prompt' | 'reads';
  readonly uids: number;
  readonly each: number;
  /** Without it, one that nobody has. */
  readonly firstUid?: number;
  /** Milliseconds after which all is let go, and after which it begins anew. Absent: it goes on. */
  readonly pulseMs?: number;
}

const FIRST_UID = 200_000;
const READY_MS = 60_000;

/** Both sockets, by so many uids. */
export function bothSockets(mode: FloodMode, uids: number, each: number): Flood[] {
  // Calls are for the one socket; the other has nobody who speaks.
  const pamMode = ['oneway', 'calls'].includes(mode) ? 'idle' : mode;
  return [
    { socket: 'pam.sock', mode: pamMode, uids, each },
    { socket: 'io.scauth', mode, uids, each },
  ];
}

/** Starts them and waits until they hold what they get. @returns ends them, and waits for it */
export async function startFloods(sandbox: Sandbox, floods: readonly Flood[]): Promise<() => Promise<void>> {
  const children = floods.map(({ socket, mode, uids, each, firstUid = FIRST_UID, pulseMs = 0 }) =>
    // prettier-ignore
    sandbox.namespace.spawn(['sh', '-c', 'ulimit -n 8192; exec "$@"', 'sh',
      `${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning',
      `${APP}/test/system/login/flood-program.ts`, `/run/scauth/${socket}`, mode, String(firstUid), String(uids), String(each), String(pulseMs)],
      { env: sandbox.environment(), stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => end(sandbox, child)));
  };
  try {
    await Promise.all(
      children.map(async ({ stdout }) => {
        if (stdout === null) throw new Error('the flood has no output');
        await once(stdout, 'data', { signal: AbortSignal.timeout(READY_MS) });
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

async function end(sandbox: Sandbox, child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
  const pid = sandbox.namespace.pidOf(child);
  if (pid !== null) process.kill(pid, 'SIGKILL');
  await ended;
}
