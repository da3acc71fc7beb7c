// Whether a login may offer a new PIN by the PUK, where the PIN is blocked. Pure.

import type { FactorySecrets } from '../agent/model/card/factory-secrets.ts';
import type { SessionPlace } from '../agent/model/peer-session.ts';
import { mayBeElsewhere } from './permit-attempt.ts';
import type { Policy } from './policy.ts';

export interface UnblockFacts {
  readonly rhost: string | null;
  readonly session: SessionPlace;
  readonly secrets: FactorySecrets;
}

/** Whoever finds a card has the factory's PUK: for such a card it is no secret that opens a login. */
export function permitsUnblock({ login }: Policy, { rhost, session, secrets }: UnblockFacts): boolean {
  return login.unblockAtLogin && !mayBeElsewhere({ rhost, session }) && secrets.puk !== true;
}
