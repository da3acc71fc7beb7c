// `sc_auth keyring enable`: a card that is paired already opens the keyring from now on. The person proves themselves by
// password and PIN, as at pairing.

import { AgentError } from '../base/errors.ts';
import type { Account } from '../model/account.ts';
import type { Pkhh } from '../model/key.ts';
import type { Pairing } from '../model/pairing.ts';
import type { PeerCredentials } from '../model/request.ts';
import { CARD_READING_MS } from '../token/interface.ts';
import { auditedIdentity } from './audited-key.ts';
import { chooseCard } from './choose-card.ts';
import type { Conversation } from './conversation.ts';
import { findPairedIdentities, type PairedCard } from './find-identity.ts';
import { offerKeyring } from './offer-keyring.ts';
import type { PairingParts } from './pair.ts';
import { askSecret, proveCard } from './prove-card.ts';

/** @throws AgentError `not-paired`, `no-card`, `key-conflict`, `cancelled` */
async function pairedCard(
  account: Account,
  pkhh: Pkhh | null,
  person: Conversation,
  parts: PairingParts,
): Promise<PairedCard> {
  const own = parts.pairings
    .forUser(account.name)
    .filter((pairing) => pkhh === null || pairing.pkhh === pkhh);
  if (own.length === 0) throw new AgentError('not-paired');
  const found = findPairedIdentities(await parts.tokens.present(CARD_READING_MS), own);
  if (found.kind === 'conflict') throw new AgentError('key-conflict');
  if (found.kind !== 'found') throw new AgentError('no-card', { detail: 'no paired card is in' });
  const choice = await chooseCard(found.cards, person);
  if (choice.kind === 'chosen') return choice.card;
  if (choice.kind === 'not-chosen') choice.typed.wipe();
  throw new AgentError('cancelled');
}

/**
 * @param pkhh which of the user's pairings; null: the one whose card is in
 * @throws AgentError `not-allowed`, `not-paired`, `no-card`, `not-supported` (no key for it on the card, or it does not
 * open), `cancelled`, and those of a pairing
 */
export async function enableKeyring(
  account: Account,
  pkhh: Pkhh | null,
  actor: PeerCredentials,
  person: Conversation,
  parts: PairingParts,
): Promise<Pairing> {
  const policy = parts.policy();
  if (!policy.keyring.allowed) throw new AgentError('not-allowed', { detail: 'keyring.allowed' });
  const { token, identity, pairing } = await pairedCard(account, pkhh, person, parts);
  const { name: user } = account;
  const hostId = parts.pairings.hostId();
  const password = await askSecret(person, `Account password of ${user}: `);
  const scene = { user, pkhh: pairing.pkhh, token, policy, hostId, wish: 'yes' } as const;
  const offer = offerKeyring(scene, password, parts);
  try {
    if (offer === null) {
      password.wipe();
      throw new AgentError('not-supported', { detail: 'the card has no key for key management (PIV 9D)' });
    }
    await parts.checkPassword(user, password);
    await proveCard({ user, service: 'keyring', actor }, { token, identity }, pairing, person, parts, offer);
    if (offer.failure !== null) throw new AgentError('not-supported', { detail: offer.failure });
    await offer.keep(actor, auditedIdentity(identity));
    return pairing;
  } finally {
    offer?.forget();
  }
}
