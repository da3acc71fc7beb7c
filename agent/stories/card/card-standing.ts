// What a card that is in is to one user, as far as that user may know: theirs, somebody else's, one that could be paired,
// or one that cannot and why. It asks no card and no authority.

import type { Identity } from '../../model/card/token.ts';
import type { Account } from '../../model/account.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';
import { lostKey } from './gates/said-lost.ts';
import { ownersOf } from './find/user-of-card.ts';
import { CARD_LOST } from '../../words/lost.ts';
import { UNFIT_CARD, UNFIT_USE } from '../../words/pairing.ts';
import { factorySecretsText } from '../../words/factory-secrets.ts';
import { permitFactorySecrets } from '../../../policy/permit-factory-secrets.ts';
import { fitsLogin, refusesPairing } from '../../../policy/permit-pairing.ts';
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

type Pairings = Pick<PairingTable, 'forKey' | 'cardsOf' | 'lostBy'>;

function sentenceOf(rule: SettingName | null): string {
  return rule === 'pairing.one_card_per_user' ? UNFIT_CARD.oneCard : UNFIT_CARD.weak;
}

/** Why none of its keys is one for login. */
function whyNoKey({ identities, notes, issuer }: Token): string {
  if (identities.length === 0) {
    if (notes.some((note) => /weak/i.test(note))) return UNFIT_CARD.weak;
    return issuer === undefined ? UNFIT_CARD.noKey : UNFIT_CARD.isNew;
  }
  const [only, ...others] = identities;
  return (only === undefined || others.length > 0 ? null : UNFIT_USE[only.use]) ?? UNFIT_CARD.noKey;
}

/** @throws AgentError `store-unreadable` */
export function cardStanding(
  token: Token,
  account: Account,
  policy: Policy,
  pairings: Pairings,
): CardStanding {
  const keys = token.identities.filter(fitsLogin);
  const owners = keys.flatMap(({ publicKey }) => ownersOf(publicKey, pairings));
  const lost = keys.some(({ publicKey }) => lostKey(publicKey.pkhh, [token.id], pairings) !== null);
  if (lost) return { kind: 'unfit', why: CARD_LOST };
  if (owners.includes(account.name)) return { kind: 'own' };
  if (owners.length > 0) return { kind: 'others' };
  if (!permitReader(policy, token.slot)) return { kind: 'unfit', why: UNFIT_CARD.contactless };
  if (keys.length === 0) return { kind: 'unfit', why: whyNoKey(token) };
  const secrets = token.factorySecrets;
  if (!permitFactorySecrets(policy, secrets).permitted)
    return { kind: 'unfit', why: factorySecretsText(secrets) ?? '' };
  const owned = pairings.cardsOf(account.name).filter(({ lost: isLost }) => !isLost).length;
  const refusals = keys.map((identity) => ({
    identity,
    rule: refusesPairing(policy, identity.publicKey.algorithm, owned),
  }));
  const fit = refusals.find(({ rule }) => rule === null);
  if (fit !== undefined) return { kind: 'unpaired', identity: fit.identity };
  return { kind: 'unfit', why: sentenceOf(refusals[0]?.rule ?? null) };
}
