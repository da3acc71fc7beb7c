// A user's own paired card signs what is not a login: the PIN is typed once and sent for each signature, so that a slot which
// asks for it each time signs a batch too, and another program never finds the card verified.

import type { AuditLog } from '../../audit/interface.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { Proof } from '../../model/proof.ts';
import type { Username } from '../../model/request.ts';
import type { OwnerParts } from './ask-pin/whose-tries.ts';
import { auditedUse } from './audited-failure.ts';
import { auditedIdentity } from './audited-key.ts';
import { requireCard } from './card-check.ts';
import type { Asked } from './conversation.ts';
import type { PairedCard } from './find/find-identity.ts';
import { ownCard, ownPairings, type OwnCardParts } from './find/own-card.ts';
import { askCardPin, proofBy } from './prove-card.ts';

export interface SigningParts extends OwnCardParts, OwnerParts {
  readonly pairings: OwnCardParts['pairings'];
  readonly audit: AuditLog;
}

export interface CardSignature {
  readonly proof: Proof;
  readonly spki: Buffer;
  readonly message: Buffer;
}

/**
 * @param user whose paired card signs
 * @param use called when the PIN was typed; the first signature that fails ends it
 * @throws AgentError `not-paired`, those of ownCard, askCardPin, Token.prove and verifyProof; what `use` throws
 */
export async function signWithCard<T>(
  user: Username,
  asked: Asked<SigningParts>,
  use: (sign: (challenge: Challenge) => Promise<CardSignature>, card: PairedCard) => Promise<T>,
): Promise<T> {
  const { peer, person, parts } = asked;
  const card = await ownCard(user, parts.policy(), ownPairings(user, parts), person, parts);
  const { token, identity, pairing } = card;
  const audited = { tokenId: token.id, user, key: auditedIdentity(identity), actor: peer };
  return auditedUse({ kind: 'pin-checked' }, audited, parts.audit, async () => {
    requireCard(parts.policy(), token, pairing);
    const { pin, consent } = await askCardPin(token, asked, identity);
    const sign = async (challenge: Challenge): Promise<CardSignature> => {
      const typed = { pin: pin?.copy() ?? null, consent };
      const { proof, key } = await proofBy(card, challenge, pairing.publicKey, typed, person);
      return { proof, spki: key.spki, message: challenge.message() };
    };
    try {
      return await use(sign, card);
    } finally {
      pin?.wipe();
    }
  });
}
