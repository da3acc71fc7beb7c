// GetPairingPrompt and SetPairingPrompt: the state of the dialog that offers to pair, at its three levels.

import type { AuditLog } from '../../audit/interface.ts';
import { AgentError } from '../../base/errors.ts';
import { promptFor, type PromptParts } from '../../stories/pair/pairing-prompt.ts';
import type { PromptScope, PromptState } from '../../model/pairing-prompt.ts';
import type { PeerCredentials, Username } from '../../model/request.ts';
import type { TokenId } from '../../model/card/token.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';

export interface PromptMethodParts extends PromptParts {
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly audit: AuditLog;
}

/** @param user null: root asks for the machine */
export function getPrompt(
  user: Username | null,
  token: TokenId | null,
  parts: PromptMethodParts,
): PromptState {
  return promptFor(user, token, parts);
}

/**
 * @param user null: the machine's state, which is root's
 * @throws AgentError `no-card` for a card that is not in, `store-unreadable`
 */
export async function setPrompt(
  wanted: { readonly user: Username | null; readonly token: TokenId | null; readonly enabled: boolean },
  actor: PeerCredentials,
  { pairings, tokens, audit }: PromptMethodParts,
): Promise<void> {
  const { user, token, enabled } = wanted;
  const scope: PromptScope =
    user === null
      ? { level: 'machine' }
      : token === null
        ? { level: 'user', user }
        : { level: 'card', user, tokenId: token };
  const before = pairings.promptSetting(scope);
  // Nothing changes: nothing is written.
  if (before === enabled) return;
  // The table has a line for each card that was named: only cards that there are get one.
  if (scope.level === 'card' && before === null) {
    const present = await tokens.present(0);
    if (!present.some(({ id }) => id === scope.tokenId))
      throw new AgentError('no-card', { detail: scope.tokenId });
  }
  pairings.setPrompt(scope, enabled);
  await audit.record({ kind: 'prompt-state', enabled, scope, actor });
}
