// GetSettings: each setting as it is in force, with its meaning and where it stands. CheckSettings: the settings as they are
// in the files now, before they come into force. ReloadSettings: and now they do.

import { asAgentError, printable } from '../../base/errors.ts';
import { shutOutBy } from '../../stories/enforcement/shut-out-by-settings.ts';
import { driverFacts } from '../../stories/enforcement/card-outlook.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { SettingReport } from '../../../policy/setting-report.ts';
import type { Setting } from '../../../policy/settings/setting.ts';
import { settings } from '../../../policy/settings/settings.ts';
import type { WireSetting, Methods } from '../../protocol/io-scauth.ts';
import { InvalidParameter, PermissionDenied } from '../../protocol/varlink.ts';
import type { PlanParts } from '../../stories/enforcement/enforcement-plan.ts';
import type { AdminParts, Run } from './method-parts.ts';
import { pageOf } from './paging.ts';

type SettingsParts = Pick<AdminParts, 'policy' | 'inventory' | 'settingsFiles'> & {
  readonly enforcement: PlanParts;
};

/** Of a value: a list may be longer than a message. */
const MAX_TEXT = 2000;

const NOBODY = {
  shutOut: [],
  shutOutCount: 0,
  newlyShutOut: [],
  newlyShutOutCount: 0,
  closesRemote: false,
};

function tableEntry(name: string): Setting {
  const [table = '', key = ''] = name.split('.');
  const entry = (settings as Readonly<Record<string, Readonly<Record<string, Setting>>>>)[table]?.[key];
  if (entry === undefined) throw new TypeError(`no setting ${name}`);
  return entry;
}

function wireSetting({ name, value, place, waits, atStart }: SettingReport): WireSetting {
  const { default: usual, unit, meaning } = tableEntry(name);
  return {
    name,
    value: printable(value, MAX_TEXT),
    default: printable(JSON.stringify(usual), MAX_TEXT),
    unit: unit ?? null,
    meaning,
    file: place === null ? null : printable(place.file, 300),
    line: place?.line ?? null,
    waits: waits === null ? null : printable(waits, MAX_TEXT),
    atStart,
  };
}

/** Who is told what: DECISIONS.md D285. @throws PermissionDenied, InvalidParameter */
export const getSettings: Run<'GetSettings', Pick<AdminParts, 'settingsFiles'>> = async (
  { after },
  { uid },
  { settingsFiles },
) => {
  const isRoot = uid === 0;
  if (!isRoot && !settingsFiles.isPublic) throw new PermissionDenied('not for all to read in the files');
  const { settings: all, problem } = settingsFiles.report(isRoot);
  const from = after === null ? 0 : all.findIndex(({ name }) => name === after) + 1;
  if (after !== null && from === 0) throw new InvalidParameter('after');
  const page = await pageOf(
    all.slice(from).map((one) => ({ one, place: one.name })),
    wireSetting,
  );
  return {
    settings: page.items,
    problem: problem === null ? null : printable(problem, 500),
    next: page.next,
  };
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
