// Which session a login or an unlock has opened, for lock on removal: asked at once, and again when the card goes. Until
// then a display manager's process has got its session, and a locker's process has ended.

import { startTicksOf } from '../base/process-facts.ts';
import type { FindSession, UserSession } from '../model/peer-session.ts';
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
 * Begins to look when the login begins: a locker of the user's has ended a moment after it has let in.
 * @param peer the process that asks for the login
 * @returns finds logind's name of the session of `uid` (a greeter has one of its own); null where there is none (yet)
 */
export function openedSession(peer: PeerCredentials, source: SessionSource, login1: Login1): FindSession {
  const since = startTicksOf(peer.pid);
  const runs = (): boolean => since !== null && startTicksOf(peer.pid) === since;
  const { pid, uid: peerUid, gid } = peer;
  const look = async (): Promise<UserSession | null> => {
    const { place, session } = await source.sessionOf({ pid, gid, uid: peerUid, process: { runs } });
    return place === 'local' || place === 'remote' ? session : null;
  };
  const first = look();
  return async (uid) => {
    if (runs()) {
      const session = await look();
      return session?.uid === uid ? session.id : null;
    }
    const session = await first;
    // A helper of a display manager that unlocked and is gone: the session that it had in front.
    return session?.uid === uid ? session.id : displaySession(uid, login1);
  };
}
