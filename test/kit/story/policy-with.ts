// A policy that differs from another in a few settings, by their tables; and settings files that say nothing.

import type { SettingsFiles } from '../../../agent/stories/enforcement/shut-out-by-settings.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';

export type PolicyChanges = { readonly [Table in keyof Policy]?: Partial<Policy[Table]> };

export function policyWith(changes: PolicyChanges, base: Policy = defaultPolicy): Policy {
  const tables = Object.entries(base).map(([name, table]) => [
    name,
    { ...table, ...changes[name as keyof Policy] },
  ]);
  return Object.fromEntries(tables) as Policy;
}

export const noFiles: SettingsFiles = {
  isPublic: false,
  report: () => ({ settings: [], problem: null }),
  readAnew: () => defaultPolicy,
  reload: () => [],
};
