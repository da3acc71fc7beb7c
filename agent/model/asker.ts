// Whose share it is, where records and lines of a log are shared out.

import { SYSTEM, type PeerCredentials } from './request.ts';

/** Who stands behind a peer; for what the system itself asks (a login prompt, a greeter) whom it is about. */
export function askerOf(peer: PeerCredentials | null, user: string | null): string {
  const owner = peer?.owner ?? (peer === null || peer.uid === 0 ? SYSTEM : `uid ${peer.uid}`);
  return owner === SYSTEM ? `for ${user ?? 'nobody'}` : owner;
}
