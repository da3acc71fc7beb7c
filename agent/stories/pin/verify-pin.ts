// `sc_auth verifypin`: is this the PIN of my card? Nothing is signed and the card is left unverified.

import type { TokenId } from '../../model/card/token.ts';
import type { Token } from '../../token/interface.ts';
import { auditedPinUse } from '../card/audited-failure.ts';
import { chooseToken } from '../card/find/choose-token.ts';
import type { Asked } from '../card/conversation.ts';
import { askCardPin } from '../card/prove-card.ts';
import type { PinParts } from './change-pin.ts';

/**
 * @param id null: the only card that is in
 * @returns the token whose PIN was right
 * @throws AgentError `no-card`, `invalid-argument` (several cards), `cancelled`, `wrong-pin`, `pin-blocked`,
 * `pin-reserve`, `pin-not-yours`, `pin-malformed`, `contactless`, and those of Token.verifyPin
 */
export async function verifyCardPin(id: TokenId | null, asked: Asked<PinParts>): Promise<Token> {
  const token = await chooseToken({ id, user: null }, asked.parts);
  await auditedPinUse({ kind: 'pin-checked' }, token, asked, async () => {
    const { pin, consent } = await askCardPin(token, asked);
    await consent.send(pin, (attempt) => token.verifyPin(attempt, token.pins[0], asked.person.gone));
  });
  return token;
}
