// The role that says where a request comes from. One implementation asks the kernel and logind (peer-sessions.ts).

import type { PeerSession } from '../model/peer-session.ts';
import type { PeerCredentials } from '../model/request.ts';

export interface SessionSource {
  /**
   * The session of the process at the other end of a socket. Never rejects, and ends within a deadline of its own: in
   * doubt the place is `unclear`.
   */
  sessionOf(peer: PeerCredentials): Promise<PeerSession>;
}
