// The session as `sc_auth explain` and `sc_auth test` judge it: by the one from which they are called, where that is a
// session of the account in question. Of another account's sessions the caller's own says nothing.

import type { SessionSource } from '../../logind/interface.ts';
import type { Account } from '../../model/account.ts';
import type { PeerSession } from '../../model/peer-session.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { found as say } from '../../words/explain.ts';

export async function sessionAsked(
  { name, uid }: Account,
  peer: PeerCredentials,
  sessions: SessionSource,
): Promise<PeerSession> {
  const found = await sessions.sessionOf(peer);
  const { session } = found;
  if (session === null || session.uid === uid || peer.uid === uid) return found;
  const detail = say.otherSession(session.user, name);
  return { place: 'unknown', session: null, detail };
}
