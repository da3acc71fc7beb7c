// Which session a login or an unlock has opened, for lock on removal: asked at once, and again when the card goes. Until
// then a display manager's process has got its session, and a locker's process has ended.

import { startTicksOf } from '../base/process-facts.ts';
import type { PeerCredentials } from '../model/request.ts';
import type { SessionSource } from './interface.ts';
import type { Login1 } from './login1.ts';

const DEADLINE_MS = 1000;

/** The session that the user looks at, by logind; null where it cannot say. */
async function displaySession(uid: number, login1: Login1): Promise<string | null> {
  try {
    return (await login1.sessionsOfUser(uid, AbortSignal.timeout(DEADLINE_MS))).display;
  } catch {
    return null; // no logind, or nobody of that uid is here any more
  }
}

/**
 * @param peer the process that asked for the login
 * @param uid whose session it must be: a greeter has one of its own
 * @returns finds logind's name of the session; null where there is none (yet)
 */
export function openedSession(
  peer: PeerCredentials,
  uid: number,
  source: SessionSource,
  login1: Login1,
): () => Promise<string | null> {
  const since = startTicksOf(peer.pid);
  const runs = (): boolean => since !== null && startTicksOf(peer.pid) === since;
  return async () => {
    // A helper of a display manager that unlocked and is gone: the session that it had in front.
    if (!runs()) return displaySession(uid, login1);
    const { pid, gid } = peer;
    const { place, session } = await source.sessionOf({ pid, gid, uid: peer.uid, process: { runs } });
    const isCertain = place === 'local' || place === 'remote';
    return isCertain && session?.uid === uid ? session.id : null;
  };
}
