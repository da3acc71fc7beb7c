// The story of `sc_auth unblock`: which card → tries of the PUK → PUK → new PIN twice → card → audit.
// A blocked PUK is the end of most cards, so its last tries are kept like the PIN's.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { Token } from '../../token/interface.ts';
import { askNewPin } from '../card/ask-new-pin.ts';
import { auditedCard } from '../card/audited-card.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import { promptName } from '../card/prompt-name.ts';
import { chooseToken, type WantedToken } from '../card/choose-token.ts';
import type { Conversation } from '../card/conversation.ts';
import { askSecret } from '../card/prove-card.ts';
import { TryConsent } from '../card/last-try.ts';
import { maySpendLast } from '../card/whose-tries.ts';
import type { PinParts } from './change-pin.ts';
import { pukConsentPrompt, pukPrompt } from '../../words/login.ts';

/** What cannot be a PUK is not sent. @throws AgentError `cancelled`, `pin-malformed` */
async function askPuk(token: Token, person: Conversation, label: string): Promise<Pin> {
  const typed = await askSecret(person, pukPrompt(label));
  if (token.acceptsPuk?.(typed) === true) return typed;
  typed.wipe();
  throw new AgentError('pin-malformed', { detail: 'cannot be a PUK' });
}

/**
 * @returns the token that has a new PIN with all its tries
 * @throws AgentError `not-supported`, `cancelled`, `puk-blocked`, `pin-reserve`, `pin-not-yours`, those of chooseToken and Token.unblockPin
 */
export async function unblockCardPin(
  wanted: WantedToken,
  peer: PeerCredentials,
  person: Conversation,
  parts: PinParts,
): Promise<Token> {
  const token = await chooseToken(wanted, parts);
  const card = { ...auditedCard(token, parts.pairings), actor: peer };
  if (token.unblockPin === undefined) throw new AgentError('not-supported', { detail: token.driver });
  const label = promptName(parts.policy(), token);
  const unblockPin = token.unblockPin.bind(token);
  const consent = new TryConsent({
    ...{ person, policy: parts.policy, secret: 'PUK', question: pukConsentPrompt },
    mine: () => maySpendLast(token, peer.uid, parts),
  });
  const known = await token.pukState?.();
  if (known !== undefined) await consent.obtain(known);
  await auditedPinUse({ kind: 'pin-changed', how: 'unblocked' }, card, parts.audit, async () => {
    const puk = await askPuk(token, person, label);
    try {
      const next = await askNewPin(person, token, label, null);
      try {
        await consent.sendWith(puk, next, unblockPin);
      } finally {
        next.wipe();
      }
    } finally {
      puk.wipe();
    }
  });
  return token;
}
