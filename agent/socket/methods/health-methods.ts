// GetHealth: what only scauthd can say of itself (`sc_auth doctor` looks at the rest of the machine). Asks no card.

import { printable } from '../../base/errors.ts';
import { cardHealth, shutOutBy, type LookParts } from '../../stories/explain/machine-health.ts';
import type { HealthSource } from '../../model/health.ts';
import type { Username } from '../../model/request.ts';
import type { Methods } from '../../protocol/io-scauth.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
export interface HealthParts extends LookParts {
  readonly version: string;
  /** Absent: nothing is known. */
  readonly health?: HealthSource;
}

/** @param user null: root asks, for the whole machine */
export async function getHealth(
  days: number,
  user: Username | null,
  parts: HealthParts,
): Promise<Methods['GetHealth']['reply']> {
  const limitMs = parts.clock.nowMs() + days * DAY_MS;
  const { now, soon } = await shutOutBy(limitMs, user, parts);
  const { expiring, refused: refusedCards } = await cardHealth(limitMs, user, parts);
  const refused = user === null ? (parts.health?.configRefused() ?? null) : null;
  return {
    version: parts.version,
    notInForce: [...(parts.health?.notInForce ?? [])],
    configRefused: refused === null ? null : printable(refused, 500),
    expiring: expiring.map(({ endMs, ...of }) => ({ ...of, notAfter: new Date(endMs).toISOString() })),
    refusedCards,
    shutOut: now.first,
    shutOutCount: now.count,
    shutOutSoon: soon.first,
    shutOutSoonCount: soon.count,
  };
}
