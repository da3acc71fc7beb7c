// GetHealth: what only scauthd can say of itself (`sc_auth doctor` looks at the rest of the machine). Asks no card.

import { printable } from '../../base/errors.ts';
import type { Accounts } from '../../model/account.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import { fleetText } from '../../words/fleet.ts';
import { cardHealth, shutOutBy, type LookParts } from '../../stories/explain/machine-health.ts';
import type { HealthSource } from '../../model/inventory.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import type { Reply } from '../../protocol/io-scauth.ts';
import { callerUnlessRoot } from './caller.ts';
import type { Run } from './method-parts.ts';

const MAX_DAYS = 3650;
const DAY_MS = 24 * 60 * 60 * 1000;
export interface HealthParts extends LookParts {
  readonly accounts: Accounts;
  readonly version: string;
  readonly health: HealthSource;
  readonly fleet: () => FleetStanding;
}

function wireFleet(standing: FleetStanding): Reply<'GetHealth'>['fleet'] {
  const detail = fleetText(standing);
  return detail === null ? null : { state: standing.freshness, detail, problem: standing.problem };
}

/** For root of the whole machine. */
export const getHealth: Run<'GetHealth', HealthParts> = async ({ days }, peer, parts) => {
  if (days > MAX_DAYS) throw new InvalidParameter('days');
  const user = await callerUnlessRoot(peer, parts.accounts);
  const limitMs = parts.clock.nowMs() + days * DAY_MS;
  const { now, soon } = await shutOutBy(limitMs, user, parts);
  const { expiring, refused: refusedCards } = await cardHealth(limitMs, user, parts);
  const refused = user === null ? parts.health.configRefused() : null;
  return {
    version: parts.version,
    notInForce: [...parts.health.notInForce],
    configRefused: refused === null ? null : printable(refused, 500),
    expiring: expiring.map(({ endMs, ...of }) => ({ ...of, notAfter: new Date(endMs).toISOString() })),
    refusedCards,
    shutOut: now.first,
    shutOutCount: now.count,
    shutOutSoon: soon.first,
    shutOutSoonCount: soon.count,
    fleet: wireFleet(parts.fleet()),
  };
};
