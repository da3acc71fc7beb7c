// With which of the cards that are in a user may prove themselves, as far as that is known before the PIN. The login
// decides by this, and `sc_auth explain` tells by the same: there is no second reading of the rules.

import { assertNever } from '../../../base/assert.ts';
import type { Accounts } from '../../../model/account.ts';
import type { AuthDecision } from '../../../model/decision.ts';
import type { Pkhh } from '../../../model/key/key.ts';
import type { Username } from '../../../model/request.ts';
import type { Identity } from '../../../model/card/token.ts';
import type { PairingTable } from '../../../store/interface.ts';
import type { TokenSource } from '../../../token/interface.ts';
import type { CertificateUsers } from '../../../sssd/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { permitReader } from '../../../../policy/permit-reader.ts';
import type { Policy, Rule } from '../../../../policy/policy.ts';
import { lostCard } from '../gates/said-lost.ts';
import { findPairedIdentities, lastUsedFirst, type PairedCard } from './find-identity.ts';
import { findMappedIdentities, mappingRule, mapsCards, type Mapped } from './mapped-card.ts';

export interface CardParts {
  readonly pairings: PairingTable;
  readonly tokens: Pick<TokenSource, 'present'>;
  readonly accounts: Pick<Accounts, 'byName'>;
  readonly trust: CertificateTrust;
  /** Whom SSSD is asked by; absent: nobody. */
  readonly sssd?: CertificateUsers;
}

export type FoundCards =
  | {
      readonly kind: 'cards';
      /** The one that was used last first. */
      readonly cards: readonly [PairedCard, ...PairedCard[]];
      /** The user has more pairings than one, whether or not their cards are in. */
      readonly severalPairings: boolean;
      /** The setting by which they were found; null: they are paired. */
      readonly rule: Rule | null;
    }
  | {
      readonly kind: 'refused';
      readonly decision: Extract<AuthDecision, { kind: 'denied' | 'unavailable' }>;
      /** The key that it was about; null where there is none. */
      readonly identity: Identity | null;
      /** The setting that decided; null where none did. */
      readonly rule: Rule | null;
      /** Why SSSD's word was not enough for what is in; empty where it was not asked. */
      readonly refusals: readonly string[];
    };

/** Whether a card that is put in now could help: there is a pairing, and no card of it is in. */
export function wantsCard(found: FoundCards): boolean {
  if (found.kind !== 'refused' || found.decision.kind !== 'unavailable') return false;
  return found.decision.reason === 'no-card' || found.decision.reason === 'other-card';
}

function refused(
  decision: Extract<FoundCards, { kind: 'refused' }>['decision'],
  identity: Identity | null = null,
  rule: Rule | null = null,
  refusals: readonly string[] = [],
): FoundCards {
  return { kind: 'refused', decision, identity, rule, refusals };
}

/** @throws AgentError `store-unreadable`, and as TokenSource.present */
export async function findCards(user: Username, policy: Policy, parts: CardParts): Promise<FoundCards> {
  const pairings = parts.pairings.forUser(user);
  const maps = mapsCards(policy);
  if (pairings.length === 0 && !maps) return refused({ kind: 'unavailable', reason: 'no-pairing' });
  const tokens = await parts.tokens.present(
    policy.login.cardWaitMs,
    (read) => findPairedIdentities(read, pairings).kind === 'found',
  );
  const paired = findPairedIdentities(tokens, pairings);
  const { found, refusals }: Mapped =
    maps && paired.kind === 'other-card'
      ? await findMappedIdentities(tokens, await parts.accounts.byName(user), policy, parts)
      : { found: paired, refusals: [] };
  if (pairings.length === 0 && found.kind !== 'found')
    return refused({ kind: 'unavailable', reason: 'no-pairing' }, null, null, refusals);
  switch (found.kind) {
    case 'no-card':
    case 'other-card':
      return refused({ kind: 'unavailable', reason: found.kind }, null, null, refusals);
    case 'conflict':
      return refused({ kind: 'denied', reason: 'key-conflict' }, found.identity);
    case 'found': {
      const allowed = found.cards.filter(({ token }) => permitReader(policy, token.slot));
      // A lost card is not offered beside a good one; alone it is, and is refused by its own reason.
      const good = allowed.filter((card) => lostCard(card, parts.pairings) === null);
      const reachable = good.length > 0 ? good : allowed;
      const lastUses = reachable.length > 1 ? parts.pairings.lastUses(user) : new Map<Pkhh, number>();
      const [first, ...others] = lastUsedFirst(reachable, lastUses);
      if (first !== undefined)
        return {
          kind: 'cards',
          cards: [first, ...others],
          severalPairings: found === paired && pairings.length > 1,
          rule: found === paired ? null : mappingRule(policy),
        };
      const { identity } = found.cards[0];
      return refused({ kind: 'denied', reason: 'contactless-not-allowed' }, identity, 'reader.contactless');
    }
    default:
      return assertNever(found);
  }
}
