// GetPairingPrompt and SetPairingPrompt: the state of the dialog that offers to pair, at its three levels.

import { AgentError } from '../../base/errors.ts';
import { promptFor } from '../../stories/pair/pairing-prompt.ts';
import type { PromptScope } from '../../model/pairing-prompt.ts';
import { callerUnlessRoot, tokenIdOf } from './caller.ts';
import type { Run } from './method-parts.ts';

export const getPrompt: Run<'GetPairingPrompt'> = async (given, peer, parts) =>
  promptFor(await callerUnlessRoot(peer, parts.accounts), tokenIdOf(given), parts);

/** Root's is the machine's. @throws AgentError `no-card` for a card that is not in, `store-unreadable` */
export const setPrompt: Run<'SetPairingPrompt'> = async (given, actor, parts) => {
  const { pairings, tokens, audit, accounts } = parts;
  const { enabled } = given;
  const user = await callerUnlessRoot(actor, accounts);
  const token = tokenIdOf(given);
  const scope: PromptScope =
    user === null
      ? { level: 'machine' }
      : token === null
        ? { level: 'user', user }
        : { level: 'card', user, tokenId: token };
  const before = pairings.promptSetting(scope);
  // Nothing changes: nothing is written.
  if (before === enabled) return {};
  // The table has a line for each card that was named: only cards that there are get one.
  if (scope.level === 'card' && before === null) {
    const present = await tokens.present(0);
    if (!present.some(({ id }) => id === scope.tokenId))
      throw new AgentError('no-card', { detail: scope.tokenId });
  }
  pairings.setPrompt(scope, enabled);
  await audit.record({ kind: 'prompt-state', enabled, scope, actor });
  return {};
};
