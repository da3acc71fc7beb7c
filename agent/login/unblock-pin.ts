// The story of `sc_auth unblock`: which card → tries of the PUK → PUK → new PIN twice → card → audit.
// A blocked PUK is the end of most cards, so its last tries are kept like the PIN's.

import { AgentError, asAgentError } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import type { PeerCredentials } from '../model/request.ts';
import type { Token } from '../token/interface.ts';
import { permitTry } from '../../policy/permit-try.ts';
import { askNewPin } from './ask-new-pin.ts';
import { auditedCard } from './audited-card.ts';
import { recordNewPin, type NewPinParts } from './change-pin.ts';
import { chooseToken, promptLabel, type WantedToken } from './choose-token.ts';
import type { Conversation } from './conversation.ts';
import { pukConsentPrompt, pukPrompt } from './wording.ts';

/** @throws AgentError `puk-blocked`, `cancelled` (no yes to the last tries) */
async function permitPuk(token: Token, person: Conversation, parts: NewPinParts): Promise<void> {
  const state = await token.pukState?.();
  if (state === undefined) return;
  switch (permitTry(parts.policy(), state)) {
    case 'permitted':
      return;
    case 'blocked':
      throw new AgentError('puk-blocked', { triesLeft: 0 });
    case 'needs-consent': {
      const typed = await person.ask(pukConsentPrompt(state.triesLeft ?? 0), true);
      const yes = typed?.says('yes') === true;
      typed?.wipe();
      if (!yes) throw new AgentError('cancelled', { detail: 'the last tries of the PUK were kept' });
    }
  }
}

/** What cannot be a PUK is not sent. @throws AgentError `cancelled`, `pin-malformed` */
async function askPuk(token: Token, person: Conversation, label: string): Promise<Pin> {
  const typed = await person.ask(pukPrompt(label), false);
  if (typed === null) throw new AgentError('cancelled');
  if (token.acceptsPuk?.(typed) === true) return typed;
  const { isEmpty } = typed;
  typed.wipe();
  throw new AgentError(isEmpty ? 'cancelled' : 'pin-malformed', { detail: 'cannot be a PUK' });
}

/**
 * @returns the token that has a new PIN with all its tries
 * @throws AgentError `not-supported`, `cancelled`, `puk-blocked`, those of chooseToken and Token.unblockPin
 */
export async function unblockCardPin(
  wanted: WantedToken,
  peer: PeerCredentials,
  person: Conversation,
  parts: NewPinParts,
): Promise<Token> {
  const token = await chooseToken(wanted, parts);
  const card = { ...auditedCard(token, parts.pairings), actor: peer };
  if (token.unblockPin === undefined) throw new AgentError('not-supported', { detail: token.driver });
  const label = promptLabel(token);
  await permitPuk(token, person, parts);
  const puk = await askPuk(token, person, label);
  try {
    const next = await askNewPin(person, token, label, null);
    try {
      await token.unblockPin(puk, next);
    } finally {
      next.wipe();
    }
  } catch (error) {
    if (['wrong-puk', 'puk-blocked'].includes(asAgentError(error).code))
      await recordNewPin('unblocked', false, card, parts);
    throw error;
  } finally {
    puk.wipe();
  }
  await recordNewPin('unblocked', true, card, parts);
  return token;
}
