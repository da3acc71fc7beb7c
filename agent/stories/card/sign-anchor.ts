// `sc_auth audit anchor --sign`: the administrator's own card signs where the audit log stands. What is signed is built
// here, from scauthd's own last record: nothing comes from outside, and a proof for an anchor is none for a login.

import { AgentError } from '../../base/errors.ts';
import type { AnchorSource, AuditLog } from '../../audit/interface.ts';
import { Challenge } from '../../model/challenge.ts';
import { verifyProof } from '../../model/proof.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import { signedAnchorText } from '../../model/sealed-log/signed-anchor.ts';
import { auditedUse } from './audited-failure.ts';
import { auditedIdentity } from './audited-key.ts';
import { requireCard } from './card-check.ts';
import type { Conversation } from './conversation.ts';
import type { PairedCard } from './find/find-identity.ts';
import { ownCard, ownPairings, type OwnCardParts } from './find/own-card.ts';
import { askCardPin } from './prove-card.ts';
import type { OwnerParts } from './ask-pin/whose-tries.ts';
import { touchText } from '../../words/login.ts';

export interface SignAnchorParts extends OwnCardParts, OwnerParts {
  readonly pairings: OwnCardParts['pairings'];
  readonly audit: AuditLog;
  readonly anchors: AnchorSource;
}

export interface SignedHere {
  /** One line, see model/sealed-log/signed-anchor.ts. */
  readonly text: string;
  readonly card: PairedCard;
}

/**
 * @param user whose paired card signs
 * @throws AgentError `not-paired`, `internal` (the log has no record, or cannot be read), those of ownCard, askCardPin,
 * Token.prove and verifyProof
 */
export async function signAnchor(
  user: Username,
  actor: PeerCredentials,
  person: Conversation,
  parts: SignAnchorParts,
): Promise<SignedHere> {
  const policy = parts.policy();
  const card = await ownCard(user, policy, ownPairings(user, parts), person, parts);
  const { token, identity } = card;
  const audited = { tokenId: token.id, user, key: auditedIdentity(identity), actor };
  const text = await auditedUse({ kind: 'pin-checked' }, audited, parts.audit, () =>
    sign(user, card, actor, person, parts),
  );
  return { text, card };
}

async function sign(
  user: Username,
  { token, identity, pairing }: PairedCard,
  actor: PeerCredentials,
  person: Conversation,
  parts: SignAnchorParts,
): Promise<string> {
  requireCard(parts.policy(), token, pairing);
  const { pin, consent } = await askCardPin(person, actor, parts, token, identity);
  try {
    const anchor = parts.anchors.lastRecord();
    if (anchor === null) throw new AgentError('internal', { detail: 'the audit log has no record' });
    const hostId = parts.pairings.hostId();
    const challenge = Challenge.create({ purpose: 'audit-anchor', hostId, user, service: 'audit', anchor });
    const cue = touchText(identity.touch);
    if (cue !== null) person.tell('information', cue);
    const { proof, released } = await consent.send(pin, (attempt) =>
      token.prove(identity, challenge, attempt, person.gone),
    );
    const { key } = verifyProof(challenge, proof, pairing.publicKey ?? identity.publicKey);
    await released;
    return signedAnchorText({ anchor, message: challenge.message(), proof, spki: key.spki });
  } finally {
    pin?.wipe();
  }
}
