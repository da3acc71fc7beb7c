// Calls of `sc_auth` that send a PIN or PUK to a card: for somebody who is at this machine, as a login is. Who is elsewhere
// could spend the tries of a card that somebody has left in the reader. Root may; it administers from anywhere.

import { AgentError } from '../base/errors.ts';
import type { SessionSource } from '../logind/interface.ts';
import type { PeerCredentials } from '../model/request.ts';
import { mayBeElsewhere } from '../../policy/permit-attempt.ts';
import type { Policy } from '../../policy/policy.ts';

/**
 * @param sessions absent: nobody can say
 * @throws AgentError `not-here`
 */
export async function requireHere(
  peer: PeerCredentials,
  { remoteAllowed }: Policy,
  sessions: SessionSource | undefined,
): Promise<void> {
  if (peer.uid === 0 || remoteAllowed || sessions === undefined) return;
  const { place, detail } = await sessions.sessionOf(peer);
  if (mayBeElsewhere({ rhost: null, session: place })) throw new AgentError('not-here', { detail });
}
