// Whether root asks from a console of this machine. PAM_TTY is what a program makes of the descriptors that it was given:
// it counts only where the kernel or logind says the same.
// Why: DECISIONS.md D136.

import { realUidOf } from '../../base/process-facts.ts';
import { isThatConsole, namesConsole, processFacts } from '../../base/process-identity.ts';
import type { PeerSession } from '../../model/peer-session.ts';
import type { AuthRequest } from '../../model/request.ts';

/** What is asked of the kernel. */
export interface KernelWord {
  readonly terminalOf: (pid: number) => number | null;
  readonly realUidOf: (pid: number) => number | null;
}

const kernel: KernelWord = { terminalOf: (pid) => processFacts(pid)?.terminal ?? null, realUidOf };

function isActiveAtSeat({ place, session }: PeerSession): boolean {
  return place === 'local' && session !== null && session.seat !== null && session.state === 'active';
}

/**
 * PAM_TTY names a console, and the process's controlling terminal is that one, or it has none and logind says that its
 * session is the active one of a seat. Without logind's word the program must have been started by root: a user can
 * open some lines (`dialout`) from anywhere, and start their own su on them.
 */
export function isOnConsole(
  { peer, tty }: Pick<AuthRequest, 'peer' | 'tty'>,
  session: PeerSession | undefined,
  { terminalOf, realUidOf: uidOf }: KernelWord = kernel,
): boolean {
  if (peer.uid !== 0 || tty === null || !namesConsole(tty)) return false;
  const terminal = terminalOf(peer.pid);
  if (terminal === null || (terminal !== 0 && !isThatConsole(tty, terminal))) return false;
  if (session !== undefined && isActiveAtSeat(session)) return true;
  return terminal !== 0 && uidOf(peer.pid) === 0;
}
