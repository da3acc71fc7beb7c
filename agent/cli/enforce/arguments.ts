// The arguments of sc_auth enforce: a verb, for two of them a user, and dates as people type them.

import { util } from '../../base/node-util.ts';
import { usage as say } from '../../words/enforcement.ts';
import { parseWhen, UNITS } from '../audit/when.ts';
import { CommandError } from '../exit-codes.ts';
import { verbOf } from '../verb.ts';

export const ALONE = ['plan', 'on', 'confirm', 'off', 'status', 'code'] as const;
export const WITH_USER = ['exempt', 'unexempt'] as const;
const VERBS = [...ALONE, ...WITH_USER];
type Verb = (typeof VERBS)[number];

export interface EnforceArgs {
  readonly verb: Verb;
  readonly user: string | null;
  /** ISO 8601. */
  readonly until: string | null;
  readonly reason: string | null;
  readonly shutOut: readonly string[];
  /** Services that may stay open to a password. */
  readonly uncovered: readonly string[];
  /** What a scauthd that does not run means; null: not said here. */
  readonly agentAbsent: AgentAbsent | null;
  readonly rehearsal: boolean;
  /** Who switches it on, where the caller knows better than sudo. */
  readonly by: string | null;
  /** The services alone, without the accounts. */
  readonly servicesOnly: boolean;
}

export type AgentAbsent = 'open' | 'closed';

/** A point in time to come, in local time; a day alone means its end. @returns null for what is none */
export function parseUntil(text: string, nowMs: number): number | null {
  const span = /^(\d{1,5})([mhdw])$/.exec(text);
  if (span !== null) return nowMs + Number(span[1]) * (UNITS[span[2] ?? ''] ?? 0);
  const pointMs = parseWhen(text, nowMs);
  if (pointMs === null || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return pointMs;
  const day = new Date(pointMs);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + 1).getTime();
}

/** @throws CommandError `usage` */
export function parseEnforceArgs(args: readonly string[], nowMs = Date.now()): EnforceArgs {
  let parsed;
  try {
    parsed = util.parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        until: { type: 'string' },
        reason: { type: 'string' },
        'shut-out': { type: 'string', multiple: true },
        uncovered: { type: 'string', multiple: true },
        'agent-absent': { type: 'string' },
        'no-rehearsal': { type: 'boolean' },
        by: { type: 'string' },
        services: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
  } catch (cause) {
    const said = cause instanceof Error ? (/^[^.\n]*/.exec(cause.message)?.[0] ?? '') : '';
    throw new CommandError('usage', say.options(said), cause);
  }
  const [word, user = null, ...more] = parsed.positionals;
  const verb = verbOf('enforce', word, VERBS);
  const withUser = WITH_USER.some((one) => one === verb);
  if (more.length > 0 || (user !== null) !== withUser)
    throw new CommandError('usage', withUser ? say.oneAccount(verb) : say.noName(verb));
  const { until, reason = null, 'shut-out': shutOut = [], uncovered = [] } = parsed.values;
  const { 'agent-absent': absent, 'no-rehearsal': noRehearsal = false, by } = parsed.values;
  const { services: servicesOnly = false } = parsed.values;
  if ((until !== undefined || reason !== null) && verb !== 'exempt')
    throw new CommandError('usage', say.onlyExempt);
  if (shutOut.length > 0 && verb !== 'on' && verb !== 'unexempt')
    throw new CommandError('usage', say.onlyShutOut);
  if ((uncovered.length > 0 || absent !== undefined || noRehearsal || by !== undefined) && verb !== 'on')
    throw new CommandError('usage', say.onlyOn);
  if (servicesOnly && verb !== 'plan') throw new CommandError('usage', say.onlyPlan);
  if (absent !== undefined && absent !== 'open' && absent !== 'closed')
    throw new CommandError('usage', say.agentAbsent);
  const untilMs = until === undefined ? null : parseUntil(until, nowMs);
  if (until !== undefined && untilMs === null) throw new CommandError('usage', say.until);
  if (untilMs !== null && untilMs <= nowMs) throw new CommandError('usage', say.past);
  return {
    verb,
    user,
    until: untilMs === null ? null : new Date(untilMs).toISOString(),
    reason,
    shutOut,
    uncovered,
    agentAbsent: absent ?? null,
    rehearsal: !noRehearsal,
    by: by ?? null,
    servicesOnly,
  };
}
