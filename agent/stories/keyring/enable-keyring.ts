// `sc_auth keyring enable`: a card that is paired already opens the keyring from now on. The person proves themselves by
// password and PIN, as at pairing.

import { AgentError } from '../../base/errors.ts';
import type { Account } from '../../model/account.ts';
import type { Pkhh } from '../../model/key/key.ts';
import type { Pin } from '../../base/pin.ts';
import type { Pairing } from '../../model/pairing.ts';
import type { Username } from '../../model/request.ts';
import { auditedIdentity } from '../card/audited-key.ts';
import type { Asked } from '../card/conversation.ts';
import { accountPasswordPrompt } from '../../words/pairing.ts';
import { ownCard, ownPairings, type OwnCardParts } from '../card/find/own-card.ts';
import { askSecret, proveCard, type ProvingParts } from '../card/prove-card.ts';
import { offerKeyring, type OfferParts } from './offer-keyring.ts';

export interface EnableKeyringParts extends Omit<ProvingParts, 'pairings'>, OwnCardParts, OfferParts {
  /** Checks an account password by PAM and wipes it. @throws AgentError `wrong-password`, `not-allowed`, `internal` */
  readonly checkPassword: (user: Username, password: Pin) => Promise<void>;
}

/**
 * @param pkhh which of the user's pairings; null: the one whose card is in
 * @throws AgentError `not-allowed`, `not-paired`, `no-card`, `no-identity`, `contactless`, `not-supported` (no key for it on the card, or it does not
 * open), `cancelled`, and those of a pairing
 */
export async function enableKeyring(
  account: Account,
  pkhh: Pkhh | null,
  asked: Asked<EnableKeyringParts>,
): Promise<Pairing> {
  const { peer, person, parts } = asked;
  const policy = parts.policy();
  if (!policy.keyring.allowed) throw new AgentError('not-allowed', { detail: 'keyring.allowed' });
  const { name: user } = account;
  const own = ownPairings(user, parts).filter((one) => pkhh === null || one.pkhh === pkhh);
  if (own.length === 0) throw new AgentError('not-paired');
  const { token, identity, pairing } = await ownCard(user, policy, own, person, parts);
  const hostId = parts.pairings.hostId();
  const password = await askSecret(person, accountPasswordPrompt(user));
  const scene = { user, pkhh: pairing.pkhh, token, policy, hostId, wish: 'yes' } as const;
  const offer = offerKeyring(scene, password, parts);
  try {
    if (offer === null) {
      password.wipe();
      throw new AgentError('not-supported', { detail: 'the card has no key for key management (PIV 9D)' });
    }
    await parts.checkPassword(user, password);
    await proveCard({ user, service: 'keyring' }, { token, identity }, pairing, asked, offer);
    if (offer.failure !== null) throw new AgentError('not-supported', { detail: offer.failure });
    await offer.keep(peer, auditedIdentity(identity));
    return pairing;
  } finally {
    offer?.forget();
  }
}
