// Who stands behind a peer, for all that is shared out (places, turns, lines in the log). For a uid it is that uid, or the
// user whose subordinate uid it is. For root it is the login that the process comes from: anybody can start sudo and su.

import { loginUidOf } from '../../base/login-uid.ts';
import { realUidOf } from '../../base/process-facts.ts';
import { SYSTEM, type PeerCredentials } from '../../model/request.ts';
import { SubordinateUids } from './subordinate-uids.ts';

const subordinates = new SubordinateUids();

export function ownerOf({ uid, pid }: PeerCredentials, users = subordinates): string {
  if (uid !== 0) {
    const user = users.userOf(uid);
    return user === null ? `uid ${uid}` : `subordinates of ${user}`;
  }
  const login = loginUidOf(pid) ?? realUidOf(pid) ?? 0;
  return login === 0 ? SYSTEM : `login of ${login}`;
}
