// Whether the dialog that offers to pair may open for somebody. Each level can only take away: what the administrator
// switched off no user switches on.

import type { PromptLevel, PromptState } from '../agent/model/pairing-prompt.ts';

/** What was set at each level; null: nothing was. */
export interface PromptSettings {
  readonly machine: boolean | null;
  readonly user: boolean | null;
  readonly card: boolean | null;
}

/** The widest level that says no decides; without a no, the narrowest that said yes. */
export function promptState(usersMayPair: boolean, settings: PromptSettings): PromptState {
  if (!usersMayPair) return { enabled: false, level: 'policy' };
  const levels: readonly (readonly [PromptLevel, boolean | null])[] = [
    ['machine', settings.machine],
    ['user', settings.user],
    ['card', settings.card],
  ];
  const off = levels.find(([, enabled]) => enabled === false);
  if (off !== undefined) return { enabled: false, level: off[0] };
  const on = levels.findLast(([, enabled]) => enabled === true);
  return { enabled: true, level: on?.[0] ?? 'default' };
}
