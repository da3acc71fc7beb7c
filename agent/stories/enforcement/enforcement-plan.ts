// `sc_auth enforce plan`: each account with what would keep it in, and who would be shut out. The same look stands guard
// over every call that takes something away from an account while enforcement is on.

import type { Clock } from '../../base/clock.ts';
import { AgentError } from '../../base/errors.ts';
import { Slices } from '../../base/slices.ts';
import type { Account, Accounts } from '../../model/account.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import type { PairedCardFacts } from '../../model/pairing.ts';
import type { CardRefusal } from '../../../policy/paired-card.ts';
import { keptInBy } from '../../../policy/permit-without-card.ts';
import { standing as say } from '../../words/enforcement.ts';
import { bookPairingText, fleetText } from '../../words/fleet.ts';
import { namedOf } from '../../words/repairs.ts';
import { standingOf, type Change, type Standing, type StandingParts } from './account-standing.ts';
import { whyNotTaken, type OutlookParts } from './card-outlook.ts';
import type { Enforcement } from './enforcement.ts';
import { plannedAccounts } from './planned-accounts.ts';

/** Whoever is looked at may need the word of an authority. */
const AT_ONCE = 16;
/** As many as somebody reads in one sentence; `sc_auth enforce plan` has them all. */
const MAX_NAMES = 20;

export interface PlanParts extends StandingParts, OutlookParts {
  readonly enforcement: Enforcement;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly fleet: () => FleetStanding;
}

export interface PlannedAccount extends Standing {
  /** How many cards a login would take; keys on one card are one. */
  readonly cards: number;
  /** The setting or fact that keeps it in; null: it would be shut out. */
  readonly keptInBy: string | null;
  /** The same as a sentence, with what to do. */
  readonly why: string;
}

function whyOf(
  { user, hasCard, exemptUntilMs, missingGroup }: Standing,
  kept: string | null,
  refusals: readonly CardRefusal[],
): string {
  switch (kept) {
    case 'login.cards_allowed':
    case 'login.services':
    case 'enforcement.services':
      return say.setting(kept);
    case 'root on a console':
      return say.root;
    case 'enforcement.required_groups':
      return say.notRequired;
    case 'enforcement.exempt_group':
      return say.exemptGroup;
    case 'exemption':
      return say.exemptUntil(new Date(exemptUntilMs ?? 0).toISOString());
    case 'enforcement.allow_unpaired_users':
      return say.unpaired;
    case 'card':
      return say.cardLogin;
    default:
      if (refusals[0] !== undefined) return say.refused(user, refusals[0].rule, refusals[0].why);
      return `${hasCard ? say.neverUsed(user) : say.noCard(user)}${missingGroup === null ? '' : say.missingGroup(missingGroup)}`;
  }
}

/** Where it is the fleet's book alone by which the account has cards: who signed, and how long that lasts. */
function ofBook(cards: readonly PairedCardFacts[], { fleet }: Pick<PlanParts, 'fleet'>): string {
  const [first] = cards;
  if (first?.book === undefined || cards.some(({ book }) => book === undefined)) return '';
  return say.ofBook(bookPairingText(first.book), fleetText(fleet()) ?? '');
}

/** @param atMs for when, exemptions have an end @throws AgentError `store-unreadable`, `internal` */
export async function planFor(
  account: Account,
  parts: PlanParts,
  change: Change = {},
  atMs = parts.clock.nowMs(),
): Promise<PlannedAccount> {
  const policy = parts.policy();
  const untaken: PairedCardFacts[] = [];
  const refusals: CardRefusal[] = [];
  const cards = parts.pairings.cardsOf(account.name);
  for (const pairing of cards) {
    const refusal = await whyNotTaken(pairing, policy, parts);
    if (refusal === null) continue;
    untaken.push(pairing);
    refusals.push(refusal);
  }
  const standing = await standingOf(account, parts, { ...change, untaken }, cards);
  const kept = keptInBy(policy, standing, atMs);
  const taken = cards.filter((pairing) => !untaken.includes(pairing));
  const count = new Set(taken.map(({ tokenId, pkhh }) => tokenId ?? pkhh)).size;
  return {
    ...standing,
    cards: count,
    keptInBy: kept,
    // Said of one account in thousands: how the fleet stands takes longer to find out than all the rest.
    get why() {
      const why = whyOf(standing, kept, refusals);
      return kept === 'card' ? why + ofBook(taken, parts) : why;
    },
  };
}

/** Names of a list without bound: how many they are, and the first of them. */
export class Names {
  readonly first: string[] = [];
  count = 0;

  add(name: string): void {
    this.count += 1;
    if (this.first.length < MAX_NAMES) this.first.push(name);
  }

  /** For a sentence. */
  toString(): string {
    return namedOf(this.first, this.count);
  }
}

/**
 * Looks at each account, in slices, and says what was found in the order of the accounts.
 * @throws AgentError `store-unreadable`, `internal`; what `look` throws
 */
export async function eachAccount<T>(
  parts: PlanParts,
  look: (account: Account) => Promise<T>,
  take: (found: T, account: Account) => void,
): Promise<void> {
  const slices = new Slices();
  let some: Account[] = [];
  const lookAtSome = async (): Promise<void> => {
    const found = await Promise.all(
      some.map(async (account) => {
        await slices.giveWay();
        return { account, is: await look(account) };
      }),
    );
    for (const { account, is } of found) take(is, account);
    some = [];
  };
  for await (const { one } of plannedAccounts(parts)) {
    if (one !== null) some.push(one);
    if (some.length === AT_ONCE) await lookAtSome();
  }
  await lookAtSome();
}

/** Whom enforcement would shut out. @throws AgentError `store-unreadable`, `internal` */
export async function wouldShutOut(parts: PlanParts): Promise<Names> {
  const out = new Names();
  await eachAccount(
    parts,
    (account) => planFor(account, parts),
    ({ keptInBy: kept }, { name }) => {
      if (kept === null) out.add(name);
    },
  );
  return out;
}

/**
 * While enforcement is on nothing may be taken away from an account that keeps it in.
 * @throws AgentError `would-shut-out` with the name; `store-unreadable`, `internal`
 */
export async function guardAgainstShutOut(account: Account, change: Change, parts: PlanParts): Promise<void> {
  if (!parts.enforcement.isOn) return;
  if ((await planFor(account, parts)).keptInBy === null) return;
  if ((await planFor(account, parts, change)).keptInBy === null)
    throw new AgentError('would-shut-out', { say: account.name });
}
