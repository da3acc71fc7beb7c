// The pairing prompt's effective state for a user, and for one card of theirs: what is stored, by the rule of policy/.

import type { PromptState } from '../../model/pairing-prompt.ts';
import type { Username } from '../../model/request.ts';
import type { TokenId } from '../../model/card/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import { promptState } from '../../../policy/pairing-prompt.ts';
import type { Policy } from '../../../policy/policy.ts';

export interface PromptParts {
  readonly policy: () => Policy;
  readonly pairings: Pick<PairingTable, 'promptSetting'>;
}

/**
 * @param user null: the machine's state alone
 * @param tokenId null: whatever the card
 * @throws AgentError `store-unreadable`
 */
export function promptFor(user: Username | null, tokenId: TokenId | null, parts: PromptParts): PromptState {
  const { pairings } = parts;
  return promptState(parts.policy().pairing.usersMayPair, {
    machine: pairings.promptSetting({ level: 'machine' }),
    user: user === null ? null : pairings.promptSetting({ level: 'user', user }),
    card: user === null || tokenId === null ? null : pairings.promptSetting({ level: 'card', user, tokenId }),
  });
}
