// Whether a login gets the secret of its user's keyring. Pure.

import type { AuthRequest } from '../agent/model/request.ts';
import type { Policy } from './policy.ts';

/**
 * Programs that run as the user could be anybody's: whoever phishes a PIN there must not get the password as well. A
 * locker that is root's is as good as a login.
 */
export function mayOpenKeyring(
  { keyring }: Pick<Policy, 'keyring'>,
  { service, peer }: Pick<AuthRequest, 'service' | 'peer'>,
): boolean {
  if (!keyring.allowed || peer.uid !== 0) return false;
  return keyring.services.includes('*') || keyring.services.includes(service);
}
