// Calls of `sc_auth` that send a PIN or PUK to a card: for somebody who is at this machine, as a login is. Who is elsewhere
// could spend the tries of a card that somebody has left in the reader, and so could who has left the seat to another
// session. Root may; it administers from anywhere.

import { AgentError } from '../../../base/errors.ts';
import type { SessionSource } from '../../../logind/interface.ts';
import type { PeerCredentials } from '../../../model/request.ts';
import { mayBeElsewhere } from '../../../../policy/permit-attempt.ts';
import type { Policy } from '../../../../policy/policy.ts';

/**
 * @param how `seat`: who is elsewhere hears so later, and only a session that is not in front is refused
 * @throws AgentError `not-here`
 */
export async function requireHere(
  peer: PeerCredentials,
  { login }: Policy,
  sessions: SessionSource,
  how: 'yes' | 'seat' = 'yes',
): Promise<void> {
  if (peer.uid === 0 || login.remote) return;
  const { place, session, detail } = await sessions.sessionOf(peer);
  if (how === 'yes' && mayBeElsewhere({ rhost: null, session: place }))
    throw new AgentError('not-here', { detail });
  // Somebody else sits at the seat meanwhile, and the card in the reader may be theirs.
  if (place === 'local' && session !== null && session.state !== 'active')
    throw new AgentError('not-here', { detail: `${detail} is not the one in front` });
}
