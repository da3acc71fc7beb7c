// The story of `sc_auth changepin`: which card → old PIN, with the rules of its tries → new PIN twice → card → audit.
// The old PIN reaches the card once, together with the new one.

import { AgentError } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token, TokenSource } from '../../token/interface.ts';
import { askNewPin } from '../card/ask-pin/ask-new-pin.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import { promptName } from '../card/pin-prompt.ts';
import { chooseToken, type WantedToken } from '../card/find/choose-token.ts';
import type { Asked } from '../card/conversation.ts';
import { askCardPin } from '../card/prove-card.ts';
import type { OwnerParts } from '../card/ask-pin/whose-tries.ts';
import { PIN_NOT_CHANGED_ON_READER } from '../../words/login.ts';

export interface PinParts extends OwnerParts {
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
}

/**
 * @returns the token that has a new PIN
 * @throws AgentError `not-supported`, `cancelled`, `pin-reserve`, those of chooseToken and Token.changePin
 */
export async function changeCardPin(wanted: WantedToken, asked: Asked<PinParts>): Promise<Token> {
  const token = await chooseToken(wanted, asked.parts);
  await auditedPinUse({ kind: 'pin-changed', how: 'changed' }, token, asked, () => setNewPin(token, asked));
  return token;
}

async function setNewPin(token: Token, asked: Asked<PinParts>): Promise<void> {
  const { person, parts } = asked;
  const changePin = token.changePin?.bind(token);
  if (changePin === undefined) throw new AgentError('not-supported', { detail: token.driver });
  // PC/SC part 10 has FEATURE_MODIFY_PIN for that; the pads are used for VERIFY only.
  if (token.pins[0].entry === 'reader') {
    person.tell('error', PIN_NOT_CHANGED_ON_READER);
    throw new AgentError('not-supported', { detail: 'the PIN is typed on the reader' });
  }
  const label = promptName(parts.policy(), token);
  const { pin: old, consent } = await askCardPin(token, asked);
  if (old === null) throw new AgentError('not-supported', { detail: 'the PIN came from nowhere' });
  try {
    const next = await askNewPin(person, token, parts.policy(), label, old);
    try {
      await consent.sendWith(old, next, changePin);
    } finally {
      next.wipe();
    }
  } finally {
    old.wipe();
  }
}
