// GetHealth: what only scauthd can say of itself (`sc_auth doctor` looks at the rest of the machine). Asks no card.

import { hash as digest } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { printable } from '../base/errors.ts';
import { refusedCards } from '../login/card-outlook.ts';
import { wouldShutOut, type PlanParts } from '../login/enforcement-plan.ts';
import type { HealthSource } from '../model/health.ts';
import { parseCertificate } from '../model/key.ts';
import type { Username } from '../model/request.ts';
import type { Pairing } from '../model/pairing.ts';
import type { PairingTable } from '../pairing/interface.ts';
import type { TokenSource } from '../token/interface.ts';
import type { Methods, WireExpiring } from './io-scauth.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A page of the doctor's, not a register: more would not be read. */
const MAX_EXPIRING = 50;

export interface HealthParts {
  readonly policy: PlanParts['policy'];
  readonly clock: Clock;
  readonly enforcement: PlanParts;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly version: string;
  /** Absent: nothing is known. */
  readonly health?: HealthSource;
}

/** Ends by the certificate's fingerprint: parsing takes fifty times as long as its digest. */
const ends = new Map<string, number | null>();
const MAX_ENDS = 10_000;

function parsedEnd(der: Buffer): number | null {
  try {
    return parseCertificate(der).notAfterMs;
  } catch {
    return null; // a certificate that cannot be read is no matter of its end
  }
}

function endOf(der: Buffer): number | null {
  const fingerprint = digest('sha256', der, 'base64');
  let end = ends.get(fingerprint);
  if (end === undefined) {
    end = parsedEnd(der);
    if (ends.size >= MAX_ENDS) ends.clear();
    ends.set(fingerprint, end);
  }
  return end;
}

function own(user: Username | null, { pairings }: HealthParts): readonly Pairing[] {
  return user === null ? pairings.all() : pairings.forUser(user);
}

/** Whom enforcement shuts out, at a time. */
async function shutOutAt(
  atMs: number,
  user: Username | null,
  { enforcement }: HealthParts,
): Promise<readonly string[]> {
  return user === null && enforcement.enforcement.isOn ? wouldShutOut(enforcement, atMs) : [];
}

/** The certificates that end before `limitMs`: of pairings, and of login keys on cards that are in. */
async function expiringBefore(
  limitMs: number,
  user: Username | null,
  { pairings, tokens }: HealthParts,
): Promise<WireExpiring[]> {
  const found: WireExpiring[] = [];
  const note = (endMs: number | null, of: Omit<WireExpiring, 'notAfter'>): void => {
    if (endMs === null || endMs > limitMs || found.length >= MAX_EXPIRING) return;
    found.push({ ...of, notAfter: new Date(endMs).toISOString() });
  };
  const present = await tokens.present(0).catch(() => []);
  const own = user === null ? null : pairings.forUser(user);
  for (const identity of present.flatMap((token) => token.identities)) {
    const { pkhh } = identity.publicKey;
    if (identity.use !== 'authentication' || identity.certificate === null) continue;
    if (own !== null && !own.some((pairing) => pairing.pkhh === pkhh)) continue;
    note(identity.certificate.notAfterMs, {
      what: 'card',
      user: null,
      hash: pkhh,
      label: printable(identity.label),
    });
  }
  for (const { certificate, pkhh, label, user: name } of own ?? pairings.all()) {
    if (found.some(({ hash }) => hash === pkhh)) continue;
    // The card's certificate counts where the card is in: it may be newer.
    const isIn = present.some((token) => token.identities.some(({ publicKey }) => publicKey.pkhh === pkhh));
    if (certificate === null || isIn) continue;
    note(endOf(certificate), { what: 'pairing', user: name, hash: pkhh, label: printable(label) });
  }
  return found;
}

/** @param user null: root asks, for the whole machine */
export async function getHealth(
  days: number,
  user: Username | null,
  parts: HealthParts,
): Promise<Methods['GetHealth']['reply']> {
  const nowMs = parts.clock.nowMs();
  const limitMs = nowMs + days * DAY_MS;
  const shutOut = await shutOutAt(nowMs, user, parts);
  const later = await shutOutAt(limitMs, user, parts);
  const refused = user === null ? (parts.health?.configRefused() ?? null) : null;
  return {
    version: parts.version,
    notInForce: [...(parts.health?.notInForce ?? [])],
    configRefused: refused === null ? null : printable(refused, 500),
    expiring: await expiringBefore(limitMs, user, parts),
    refusedCards: refusedCards(own(user, parts), parts.policy(), parts.enforcement).slice(0, MAX_EXPIRING),
    shutOut: [...shutOut],
    shutOutSoon: later.filter((name) => !shutOut.includes(name)),
  };
}
