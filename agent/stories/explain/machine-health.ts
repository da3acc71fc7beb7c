// How the machine's pairings fare, for `sc_auth doctor`: whom enforcement shuts out, which certificates end, which cards no
// login takes. It asks no card, and reads tables of any length in slices.

import type { Clock } from '../../base/clock.ts';
import { printable } from '../../base/errors.ts';
import { rowsBehind, Slices } from '../../base/slices.ts';
import { certificateEnd } from '../../model/key/certificate-end.ts';
import type { Pkhh } from '../../model/key/key.ts';
import type { PairedCardFacts } from '../../model/pairing.ts';
import type { Username } from '../../model/request.ts';
import type { PairingPlace, PairingTable } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';
import { refusesPaired, type CardRefusal } from '../../../policy/paired-card.ts';
import { keptInBy } from '../../../policy/permit-without-card.ts';
import { eachAccount, Names, planFor, type PlanParts } from '../enforcement/enforcement-plan.ts';

/** A page of the doctor's, not a register: more would not be read. */
const MAX_SHOWN = 50;

export interface LookParts {
  readonly policy: PlanParts['policy'];
  readonly clock: Clock;
  readonly enforcement: PlanParts;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
}

/** A certificate that is about to end. */
export interface Expiring {
  readonly what: 'card' | 'pairing';
  readonly user: string | null;
  readonly hash: string;
  readonly label: string;
  readonly endMs: number;
}

/** A paired card that no login takes as the machine is set up. */
export interface RefusedCard extends CardRefusal {
  readonly user: string;
  readonly hash: string;
}

/** Whom enforcement shuts out now, and whom it will at `limitMs` because an exemption ends. */
export async function shutOutBy(
  limitMs: number,
  user: Username | null,
  { clock, policy, enforcement }: LookParts,
): Promise<{ readonly now: Names; readonly soon: Names }> {
  const [now, soon] = [new Names(), new Names()];
  // Who is not root is told of nobody else.
  if (user !== null || !enforcement.enforcement.isOn) return { now, soon };
  const nowMs = clock.nowMs();
  await eachAccount(
    enforcement,
    (account) => planFor(account, enforcement, {}, nowMs),
    (planned, { name }) => {
      if (planned.keptInBy === null) now.add(name);
      else if (keptInBy(policy(), planned, limitMs) === null) soon.add(name);
    },
  );
  return { now, soon };
}

/** Those of one user: few. Everybody's are read a few at a time, and only root asks for them. */
function cardsOf(user: Username | null, { pairings }: LookParts): Iterable<PairedCardFacts> {
  if (user !== null) return pairings.cardsOf(user);
  const rows = rowsBehind<PairedCardFacts, PairingPlace>(
    null,
    (after, count) => pairings.cardPage(after, count),
    (row) => row,
  );
  return rows.map(({ one }) => one);
}

/** The certificates that end before `limitMs`, of pairings and of login keys on cards that are in; cards no login takes. */
export async function cardHealth(
  limitMs: number,
  user: Username | null,
  parts: LookParts,
): Promise<{ readonly expiring: Expiring[]; readonly refused: RefusedCard[] }> {
  const { pairings, tokens, policy, enforcement } = parts;
  const expiring: Expiring[] = [];
  const refused: RefusedCard[] = [];
  const note = (endMs: number | null, of: Omit<Expiring, 'endMs'>): void => {
    if (endMs === null || endMs > limitMs || expiring.length >= MAX_SHOWN) return;
    expiring.push({ ...of, endMs });
  };
  const present = (await tokens.present(0).catch(() => [])).flatMap((token) => token.identities);
  const isOwn = (pkhh: Pkhh): boolean =>
    user === null || pairings.forKey(pkhh).some((pairing) => pairing.user === user);
  for (const { publicKey, use, certificate, label } of present) {
    const { pkhh: hash } = publicKey;
    if (use !== 'authentication' || certificate === null || !isOwn(hash)) continue;
    note(certificate.notAfterMs, { what: 'card', user: null, hash, label: printable(label) });
  }
  // The card's certificate counts where the card is in: it may be newer.
  const isIn = new Set(present.map(({ publicKey }) => publicKey.pkhh));
  const drivers = enforcement.drivers();
  const slices = new Slices();
  for (const pairing of cardsOf(user, parts)) {
    const { certificate, pkhh: hash, label, user: name } = pairing;
    if (certificate !== null && !isIn.has(hash))
      note(certificateEnd(certificate), { what: 'pairing', user: name, hash, label: printable(label) });
    const refusal = refusesPaired(policy(), pairing, drivers);
    if (refusal !== null && refused.length < MAX_SHOWN) refused.push({ user: name, hash, ...refusal });
    if (Math.min(expiring.length, refused.length) >= MAX_SHOWN) break;
    await slices.giveWay();
  }
  return { expiring, refused };
}
