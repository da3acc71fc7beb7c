// The story of `sc_auth unblock`: which card, and a new PIN for it by its PUK, or by a help desk that knows it.

import type { Token } from '../../token/interface.ts';
import { chooseToken, type WantedToken } from '../card/find/choose-token.ts';
import type { Asked } from '../card/conversation.ts';
import { newPinByPuk, type UnblockParts } from '../card/ask-pin/new-pin-by-puk.ts';
import { promptName } from '../card/pin-prompt.ts';
import { maySpendLast } from '../card/ask-pin/whose-tries.ts';
import type { PinParts } from './change-pin.ts';

/**
 * @returns the token that has a new PIN with all its tries
 * @throws AgentError those of chooseToken and newPinByPuk
 */
export async function unblockCardPin(
  wanted: WantedToken,
  { peer, person, parts }: Asked<PinParts & Pick<UnblockParts, 'helpDesk'>>,
  byDesk = false,
): Promise<Token> {
  const token = await chooseToken(wanted, parts);
  const label = promptName(parts.policy(), token);
  const mine = (): Promise<boolean> => maySpendLast(token, peer.uid, parts);
  const pin = await newPinByPuk({ token, label, actor: peer, person, mine, byDesk }, parts);
  pin.wipe();
  return token;
}
