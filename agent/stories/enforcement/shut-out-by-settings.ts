// Who is shut out by a change of the settings while enforcement is on. Settings are the administrator's word and are not
// refused: the log says it when they come into force, and `sc_auth config check` beforehand.

import { AgentError, describeError } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Account } from '../../model/account.ts';
import type { DriverFacts } from '../../../policy/paired-card.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { SettingsReport } from '../../../policy/setting-report.ts';
import { eachAccount, Names, planFor, wouldShutOut, type PlanParts } from './enforcement-plan.ts';

export interface SettingsThen {
  readonly policy: Policy;
  /** Absent: as they are. */
  readonly drivers?: readonly DriverFacts[];
}

/** The settings as they are in the files now, whatever is in force. */
export interface SettingsFiles {
  /** Whether every account may read them in the files. */
  readonly isPublic: boolean;
  /** Each as it is in force; with the files, also what waits in them and what is wrong with them. */
  report(withFiles: boolean): SettingsReport;
  /** @throws AgentError `config-invalid` */
  readAnew(): Policy;
  /** Puts them in force. @returns what changed @throws AgentError `config-invalid`: the old ones stay */
  reload(): readonly string[];
}

export interface ShutOut {
  readonly all: Names;
  /** Those of them whom the settings before did not shut out. */
  readonly newly: Names;
  /** Nobody gets in from another host any more but by an exemption, which the settings before did not say. */
  readonly closesRemote: boolean;
}

/** A card is required from other hosts, and none can be used from there. */
function isClosedRemotely({ login, enforcement }: Policy): boolean {
  const binds = login.cardsAllowed && login.services.length > 0 && enforcement.services.length > 0;
  return binds && enforcement.remote && !login.remote;
}

function under({ policy, drivers }: SettingsThen, parts: PlanParts): PlanParts {
  return { ...parts, policy: () => policy, ...(drivers !== undefined && { drivers: () => drivers }) };
}

/** @returns null while enforcement is off @throws AgentError `store-unreadable`, `internal` */
export async function shutOutBy(
  next: SettingsThen,
  before: SettingsThen,
  parts: PlanParts,
): Promise<ShutOut | null> {
  if (!parts.enforcement.isOn) return null;
  const all = new Names();
  const newly = new Names();
  const isOut = async (account: Account, then: PlanParts): Promise<boolean> =>
    (await planFor(account, then)).keptInBy === null;
  const [nextParts, partsBefore] = [under(next, parts), under(before, parts)];
  await eachAccount(
    parts,
    async (account) => {
      if (!(await isOut(account, nextParts))) return 'in';
      return (await isOut(account, partsBefore)) ? 'out' : 'newly';
    },
    (found, { name }) => {
      if (found !== 'in') all.add(name);
      if (found === 'newly') newly.add(name);
    },
  );
  const closesRemote = isClosedRemotely(next.policy) && !isClosedRemotely(before.policy);
  return { all, newly, closesRemote };
}

/**
 * A driver that is not to run before a login is none for whoever has no other card.
 * @throws AgentError `would-shut-out` with the names; `store-unreadable`, `internal`
 */
export async function guardDriver(id: string, parts: PlanParts): Promise<void> {
  const policy = parts.policy();
  const drivers = parts.drivers().map((driver) => (driver.id === id ? { ...driver, inUse: false } : driver));
  const out = await shutOutBy({ policy, drivers }, { policy }, parts);
  if (out !== null && out.newly.count > 0) throw new AgentError('would-shut-out', { say: String(out.newly) });
}

const ADVICE = 'sc_auth enforce plan says why; root on a console and the break-glass code get in';

const REMOTE =
  'enforcement.remote wants a card there, and login.remote lets none be used; exempt accounts get in';

/** After a reload; never rejects. It may ask authorities, so nobody waits for it. */
export async function tellShutOut(
  before: Policy,
  parts: PlanParts & { readonly audit: AuditLog; readonly log: (line: string) => void },
): Promise<void> {
  try {
    const out = await shutOutBy({ policy: parts.policy() }, { policy: before }, parts);
    if (out === null) return;
    const { newly, closesRemote } = out;
    if (closesRemote) parts.log(`warning: with the new settings nobody gets in from another host: ${REMOTE}`);
    if (newly.count === 0) return;
    parts.log(`warning: with the new settings enforcement shuts out ${String(newly)}: ${ADVICE}`);
    const changes = [{ setting: 'shut out', from: '', to: String(newly) }];
    await parts.audit.record({ kind: 'policy-changed', actor: null, changes });
  } catch (error) {
    parts.log(`whom the new settings shut out is not known: ${describeError(error)}`);
  }
}

/** At the start, when the drivers may be other ones than before; never rejects. */
export async function tellShutOutAtStart(
  parts: PlanParts & { readonly log: (line: string) => void },
): Promise<void> {
  try {
    if (!parts.enforcement.isOn) return;
    const out = await wouldShutOut(parts);
    if (out.count > 0) parts.log(`warning: enforcement shuts out ${String(out)}: ${ADVICE}`);
  } catch (error) {
    parts.log(`whom enforcement shuts out is not known: ${describeError(error)}`);
  }
}
