// CheckSettings: the settings as they are in the files now, before they come into force. ReloadSettings: and now they do.

import { asAgentError, printable } from '../../base/errors.ts';
import { shutOutBy, type SettingsFiles } from '../../stories/enforcement/shut-out-by-settings.ts';
import { driverFacts } from '../../stories/enforcement/card-outlook.ts';
import type { PlanParts } from '../../stories/enforcement/enforcement-plan.ts';
import type { Inventory } from '../../model/inventory.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Methods } from '../../protocol/io-scauth.ts';

export interface SettingsParts {
  readonly policy: PlanParts['policy'];
  readonly inventory: Inventory;
  readonly enforcement: PlanParts;
  readonly settingsFiles: SettingsFiles;
}

const NOBODY = {
  shutOut: [],
  shutOutCount: 0,
  newlyShutOut: [],
  newlyShutOutCount: 0,
  closesRemote: false,
};

/** The caller is root. @throws AgentError `store-unreadable`, `internal` */
export async function checkSettings({
  policy,
  inventory,
  enforcement,
  settingsFiles,
}: SettingsParts): Promise<Methods['CheckSettings']['reply']> {
  const enforced = enforcement.enforcement.isOn;
  let next: Policy;
  try {
    next = settingsFiles.readAnew();
  } catch (error) {
    const problem = printable(asAgentError(error).detail, 500);
    return { problem, enforced, ...NOBODY };
  }
  const drivers = driverFacts(inventory.drivers(), next.tokens.disabled);
  const out = await shutOutBy({ policy: next, drivers }, { policy: policy() }, enforcement);
  if (out === null) return { problem: null, enforced, ...NOBODY };
  const { all, newly, closesRemote } = out;
  return {
    problem: null,
    enforced,
    shutOut: all.first,
    shutOutCount: all.count,
    newlyShutOut: newly.first,
    newlyShutOutCount: newly.count,
    closesRemote,
  };
}

/** The caller is root. @throws AgentError `config-invalid` */
export function reloadSettings({ settingsFiles }: SettingsParts): Methods['ReloadSettings']['reply'] {
  return { changed: [...settingsFiles.reload()] };
}
