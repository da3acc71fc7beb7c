// The story of `sc_auth renew`: a card that was issued anew, with another key, takes the place of a paired one. In one step the
// person proves themselves by password (or the certificate by its authority) and the new card by its PIN. The old card need
// not be there. A new certificate for the key that is paired needs nothing of this.
// Why: DECISIONS.md D213.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { Account } from '../../model/account.ts';
import { parseCertificate, type Pkhh } from '../../model/key/key.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { KeyringTable } from '../../store/interface.ts';
import { accountPasswordPrompt, KEYRING_LATER, renewalText, SEVERAL_TO_RENEW } from '../../words/pairing.ts';
import { mayPair } from '../../../policy/permit-pairing.ts';
import { renewsBySubject } from '../../../policy/permit-renewal.ts';
import type { Policy } from '../../../policy/policy.ts';
import { auditedIdentity, auditedKey } from '../card/audited-key.ts';
import { checkCertificate } from '../card/gates/check-certificate.ts';
import type { Asked } from '../card/conversation.ts';
import type { OnCard } from '../card/find/find-identity.ts';
import { ownPairings } from '../card/find/own-card.ts';
import { askSecret } from '../card/prove-card.ts';
import {
  addAndRecord,
  auditedPairing,
  cardWith,
  pairingFromCard,
  proveOrRecord,
  requirePairable,
  type PairingParts,
} from './pair.ts';

export interface RenewParts extends PairingParts {
  readonly keyring: { readonly table: Pick<KeyringTable, 'secretsOf'> };
}

export interface RenewWish {
  readonly account: Account;
  /** The new key. */
  readonly pkhh: Pkhh;
  /** The pairing whose place it takes; null: the account's only one. */
  readonly old: Pkhh | null;
  /** The old pairing stays. */
  readonly keep: boolean;
}

export interface Renewed {
  readonly paired: Pairing;
  /** null: it stays. */
  readonly removed: Pairing | null;
}

/**
 * @throws AgentError `not-paired`, `invalid-argument` (several, and none named), and those of pairOwnCard
 */
export function renewCard(wish: RenewWish, asked: Asked<RenewParts>): Promise<Renewed> {
  return auditedPairing(wish.account.name, asked, () => new Renewal(wish, asked).run());
}

class Renewal {
  readonly #wish: RenewWish;
  readonly #asked: Asked<RenewParts>;
  readonly #parts: RenewParts;

  constructor(wish: RenewWish, asked: Asked<RenewParts>) {
    this.#wish = wish;
    this.#asked = asked;
    this.#parts = asked.parts;
  }

  async run(): Promise<Renewed> {
    const { account, pkhh, keep } = this.#wish;
    const { peer, person } = this.#asked;
    const old = this.#old();
    const card = await cardWith(account.name, pkhh, this.#parts);
    const warning = await this.#requirePairable(card, old);
    if (warning !== null) person.tell('error', warning);
    person.tell('information', renewalText(card.identity.label, old.label, account.name, keep));
    const password = (await this.#isVouched(card, old))
      ? null
      : await askSecret(person, accountPasswordPrompt(account.name));
    const paired = await this.#pair(card, old, password);
    if (keep) return { paired, removed: null };
    const [removed = null] = this.#parts.pairings.remove(account.name, old.pkhh);
    if (removed !== null) {
      const key = auditedKey(removed.pkhh, removed.tokenId, null);
      await this.#parts.audit.record({ kind: 'pairing-removed', user: account.name, actor: peer, key });
    }
    return { paired, removed };
  }

  #old(): Pairing {
    const { account, old: named, pkhh } = this.#wish;
    const own = ownPairings(account.name, this.#parts).filter((one) => one.pkhh !== pkhh);
    const meant = named === null ? own : own.filter((one) => one.pkhh === named);
    const [only, ...others] = meant;
    if (others.length > 0) throw new AgentError('invalid-argument', { say: SEVERAL_TO_RENEW });
    if (only === undefined) throw new AgentError('not-paired');
    return only;
  }

  #requirePairable(card: OnCard, old: Pairing): Promise<string | null> {
    const { account, pkhh, keep } = this.#wish;
    const replaced = keep ? null : old.pkhh;
    return requirePairable(
      this.#parts.policy(),
      account.name,
      pkhh,
      card.identity,
      card,
      this.#parts,
      replaced,
    );
  }

  /**
   * Whether an authority vouches that both cards are the same person's, under the policy that is in force. Where users may
   * not pair, a card is theirs by this alone.
   * @throws AgentError `not-allowed`
   */
  async #isVouched(card: OnCard, old: Pairing): Promise<boolean> {
    const policy = this.#parts.policy();
    const vouched = await this.#hasSameSubject(policy, card, old);
    if (!vouched && !mayPair(policy, this.#asked.peer.uid, this.#wish.account.uid))
      throw new AgentError('not-allowed', { detail: 'pairing.users_may_pair, pairing.renew' });
    return vouched;
  }

  async #hasSameSubject(policy: Policy, { identity }: OnCard, old: Pairing): Promise<boolean> {
    const { trust } = this.#parts;
    if (policy.pairing.renew === 'ask' || identity.certificate === null || old.certificate === null)
      return false;
    try {
      const before = parseCertificate(old.certificate);
      // The pairing's own key: a copy of another's certificate vouches for nobody.
      const publicKey = old.publicKey ?? before.publicKey;
      const kept = await checkCertificate(policy.trust, { publicKey, certificate: before }, trust);
      const now = await checkCertificate(policy.trust, identity, trust);
      const names = [await trust.fields(before.der), await trust.fields(identity.certificate.der)] as const;
      return kept.permitted && now.permitted && renewsBySubject(policy, ...names);
    } catch {
      return false; // what cannot be read is asked for
    }
  }

  /** @param password null: it is not asked for */
  async #pair(card: OnCard, old: Pairing, password: Pin | null): Promise<Pairing> {
    const { account, pkhh } = this.#wish;
    const { peer, person } = this.#asked;
    const { name: user } = account;
    const sealed = this.#parts.keyring.table.secretsOf(user).some((one) => one.pkhh === old.pkhh);
    const policy = this.#parts.policy();
    const hostId = this.#parts.pairings.hostId();
    const scene = { user, pkhh, token: card.token, policy, hostId, wish: sealed ? 'yes' : 'no' } as const;
    const rider = password === null ? null : this.#parts.offerRider(scene, password);
    try {
      if (password !== null) await this.#parts.checkPassword(user, password);
      await proveOrRecord(user, card, this.#asked, rider, null);
      await this.#requirePairable(card, old);
      if ((await this.#isVouched(card, old)) !== (password === null))
        throw new AgentError('not-allowed', { detail: 'pairing.renew changed meanwhile' });
      const key = auditedIdentity(card.identity);
      const nowMs = this.#parts.clock.nowMs();
      const paired = await addAndRecord(pairingFromCard(user, card, user, nowMs), key, peer, this.#parts);
      await rider?.seal(person, peer, key);
      if (sealed && rider === null) person.tell('error', KEYRING_LATER);
      return paired;
    } finally {
      rider?.forget();
    }
  }
}
