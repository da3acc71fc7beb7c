// What a card that is in is to one user, as far as that user may know: theirs, somebody else's, one that could be paired,
// or one that cannot and why. It asks no card and no authority.

import type { Identity } from '../../model/token.ts';
import type { Account } from '../../model/account.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';
import { ownersOf } from './user-of-card.ts';
import { refusesPairing, unfitForLogin } from '../../../policy/permit-pairing.ts';
import { permitReader } from '../../../policy/permit-reader.ts';
import type { Policy, SettingName } from '../../../policy/policy.ts';

export type CardStanding =
  /** Nobody has paired it; `identity` is the key to pair. */
  | { readonly kind: 'unpaired'; readonly identity: Identity }
  | { readonly kind: 'own' }
  /** Whose is not said. */
  | { readonly kind: 'others' }
  /** It cannot be paired; `why` is a sentence for a person. */
  | { readonly kind: 'unfit'; readonly why: string };

const CONTACTLESS =
  'Cards are not used through a contactless reader here. Put the card into a reader with contacts.';
const NO_KEY = 'There is no key for login on it. Whoever gave it to you can put one there.';
const ONE_CARD = 'You have paired a card already, and each user may have one here. Unpair that one first.';
const WEAK = 'Its key is weaker than the rules of this machine want. Ask for a card with a newer key.';

type Pairings = Pick<PairingTable, 'forKey' | 'forUser'>;

function sentenceOf(rule: SettingName | null): string {
  return rule === 'pairing.one_card_per_user' ? ONE_CARD : WEAK;
}

/** Why none of its keys is one for login. */
function whyNoKey({ identities, notes }: Token): string {
  if (identities.length === 0) return notes.some((note) => /weak/i.test(note)) ? WEAK : NO_KEY;
  const reasons = identities.map(unfitForLogin).filter((reason) => reason !== null);
  return identities.length === 1 ? (reasons[0] ?? NO_KEY) : NO_KEY;
}

/** @throws AgentError `store-unreadable` */
export function cardStanding(
  token: Token,
  account: Account,
  policy: Policy,
  pairings: Pairings,
): CardStanding {
  const keys = token.identities.filter((identity) => unfitForLogin(identity) === null);
  const owners = keys.flatMap(({ publicKey }) => ownersOf(publicKey, pairings));
  if (owners.includes(account.name)) return { kind: 'own' };
  if (owners.length > 0) return { kind: 'others' };
  if (!permitReader(policy, token.slot)) return { kind: 'unfit', why: CONTACTLESS };
  if (keys.length === 0) return { kind: 'unfit', why: whyNoKey(token) };
  const owned = pairings.forUser(account.name).length;
  const refusals = keys.map((identity) => ({
    identity,
    rule: refusesPairing(policy, identity.publicKey.algorithm, owned),
  }));
  const fit = refusals.find(({ rule }) => rule === null);
  if (fit !== undefined) return { kind: 'unpaired', identity: fit.identity };
  return { kind: 'unfit', why: sentenceOf(refusals[0]?.rule ?? null) };
}
