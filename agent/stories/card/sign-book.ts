// `sc_auth book sign`: an officer's own card signs items of the pairing book, by one PIN that is typed once and sent for
// each: so a slot that asks for the PIN each time signs a batch too, and another program never finds the card verified.
// What an item says is not known here; that it is one of the book, and nothing else, is in each message.
// Why: DECISIONS.md D306.

import type { AuditLog } from '../../audit/interface.ts';
import { AgentError } from '../../base/errors.ts';
import type { BookSignature } from '../../model/book/book.ts';
import { Challenge } from '../../model/challenge.ts';
import { verifyProof } from '../../model/proof.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import { touchText } from '../../words/login.ts';
import type { OwnerParts } from './ask-pin/whose-tries.ts';
import { auditedUse } from './audited-failure.ts';
import { auditedIdentity } from './audited-key.ts';
import { requireCard } from './card-check.ts';
import type { Conversation } from './conversation.ts';
import { ownCard, ownPairings, type OwnCardParts } from './find/own-card.ts';
import type { PairedCard } from './find/find-identity.ts';
import { askCardPin } from './prove-card.ts';

export interface SignBookParts extends OwnCardParts, OwnerParts {
  readonly pairings: OwnCardParts['pairings'];
  readonly audit: AuditLog;
}

const ITEM = /^(officer|record|head) [A-Za-z0-9_-]{43}$/;
export const MAX_ITEMS = 1000;

/**
 * @param items as model/book/book.ts names them
 * @throws AgentError `invalid-argument`, `not-paired`, those of ownCard, askCardPin, Token.prove and verifyProof
 */
export async function signBook(
  user: Username,
  items: readonly string[],
  actor: PeerCredentials,
  person: Conversation,
  parts: SignBookParts,
): Promise<BookSignature[]> {
  if (items.length === 0 || items.length > MAX_ITEMS || !items.every((item) => ITEM.test(item)))
    throw new AgentError('invalid-argument', { say: `1 to ${MAX_ITEMS} items of a pairing book` });
  const card = await ownCard(user, parts.policy(), ownPairings(user, parts), person, parts);
  const { token, identity } = card;
  const audited = { tokenId: token.id, user, key: auditedIdentity(identity), actor };
  return auditedUse({ kind: 'pin-checked' }, audited, parts.audit, () =>
    sign(user, items, card, actor, person, parts),
  );
}

async function sign(
  user: Username,
  items: readonly string[],
  { token, identity, pairing }: PairedCard,
  actor: PeerCredentials,
  person: Conversation,
  parts: SignBookParts,
): Promise<BookSignature[]> {
  requireCard(parts.policy(), token, pairing);
  const { pin, consent } = await askCardPin(person, actor, parts, token, identity);
  try {
    const hostId = parts.pairings.hostId();
    const key = pairing.publicKey ?? identity.publicKey;
    const signed: BookSignature[] = [];
    for (const item of items) {
      const challenge = Challenge.create({ purpose: 'pairing-book', hostId, user, service: 'book', item });
      const cue = touchText(identity.touch);
      if (cue !== null) person.tell('information', cue);
      // The first wrong one ends it: a PIN that was right is right again.
      const { proof, released } = await consent.send(pin?.copy() ?? null, (attempt) =>
        token.prove(identity, challenge, attempt, person.gone),
      );
      const { key: signer } = verifyProof(challenge, proof, key);
      await released;
      signed.push({ proof, spki: signer.spki, message: challenge.message() });
    }
    return signed;
  } finally {
    pin?.wipe();
  }
}
