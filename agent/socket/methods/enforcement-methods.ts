// The methods of io.scauth for enforcement. Who is shut out is found in agent/stories/enforcement; here parameters are
// parsed, callers judged (root changes, everybody may see whether it is on) and changes of exemptions recorded.

import { AgentError, printable } from '../../base/errors.ts';
import { rowsBehind } from '../../base/slices.ts';
import {
  eachAccount,
  guardAgainstShutOut,
  Names,
  planFor,
  type PlannedAccount,
} from '../../stories/enforcement/enforcement-plan.ts';
import { isPlannedPlace, plannedAccounts } from '../../stories/enforcement/planned-accounts.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import { parseCodeHash } from '../../model/secret/break-glass.ts';
import type { CodeHash, Exemption } from '../../model/enforcement.ts';
import { parseUsername, type Username, type PeerCredentials } from '../../model/request.ts';
import type { WireExemption, WireStanding, Given } from '../../protocol/io-scauth.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import { accountNamed, loginNameOf } from './caller.ts';
import type { AdminParts, EnforcementParts, Run } from './method-parts.ts';
import { pageOf, type Page } from './paging.ts';

/** An exemption ends. */
const MAX_EXEMPT_MS = 366 * 86_400_000;
const MAX_TEXT = 200;

const iso = (ms: number): string => new Date(ms).toISOString();

function wireExemption({ user, untilMs, by, madeAtMs, reason }: Exemption): WireExemption {
  return { user, until: iso(untilMs), by: printable(by), at: iso(madeAtMs), reason: printable(reason) };
}

function wireStanding(planned: PlannedAccount): WireStanding {
  const { user, uid, pairings, cards, lastCardLoginMs, inExemptGroup, exemptUntilMs, keptInBy, why } =
    planned;
  return {
    user,
    uid,
    pairings,
    cards,
    lastCardLogin: lastCardLoginMs === null ? null : iso(lastCardLoginMs),
    inExemptGroup,
    exemptUntil: exemptUntilMs === null ? null : iso(exemptUntilMs),
    keptInBy,
    why,
  };
}

/** @throws InvalidParameter */
function codeOf({ salt, codeHash }: Given<'SetBreakGlass'>): CodeHash {
  const code = parseCodeHash(Buffer.from(salt, 'base64'), Buffer.from(codeHash, 'base64'));
  if (code === null) throw new InvalidParameter('codeHash');
  return code;
}

/** The caller's own; root's are all, by pages. */
async function exemptionsFor(
  peer: PeerCredentials,
  after: string | null,
  { enforced, accounts }: EnforcementParts,
): Promise<Page<WireExemption, Username>> {
  if (peer.uid === 0) {
    const from = after === null ? null : parseUsername(after);
    return pageOf(
      rowsBehind(
        from,
        (behind, count) => enforced.exemptionPage(behind, count),
        ({ user }) => user,
      ),
      wireExemption,
    );
  }
  const own = await accounts.byUid(peer.uid);
  const exemption = own === null ? null : enforced.exemptionOf(own.name);
  return { items: exemption === null ? [] : [wireExemption(exemption)], next: null };
}

export const getEnforcement: Run<'GetEnforcement'> = async ({ after }, peer, { enforcement: parts }) => {
  const state = parts.enforcement.state();
  const { items, next } = await exemptionsFor(peer, after, parts);
  return {
    state: state.kind,
    since: state.kind === 'off' ? null : iso(state.sinceMs),
    until: state.kind === 'trial' ? iso(state.untilMs) : null,
    by: state.kind === 'off' ? null : printable(state.by),
    breakGlass: state.kind !== 'off' && parts.breakGlass.isReady,
    exemptions: items,
    next,
  };
};

export const plan: Run<'PlanEnforcement', Pick<AdminParts, 'enforcement'>> = async (
  { after },
  _peer,
  { enforcement: parts },
) => {
  if (after !== null && !isPlannedPlace(after)) throw new InvalidParameter('after');
  // One word on the fleet for all of a page.
  let standing: FleetStanding | null = null;
  const once = { ...parts, fleet: () => (standing ??= parts.fleet()) };
  const page = await pageOf(plannedAccounts(parts, after), async (account) =>
    wireStanding(await planFor(account, once)),
  );
  return { accounts: page.items, next: page.next };
};

export const start: Run<'StartEnforcement'> = async (given, peer, { enforcement: parts }) => {
  const forced = new Set(given.shutOut);
  const by = loginNameOf(given.by);
  const code = codeOf(given);
  if (parts.enforcement.isOn) throw new AgentError('invalid-argument', { say: 'enforcement is on already' });
  if (!parts.policy().login.cardsAllowed)
    throw new AgentError('invalid-argument', {
      say: 'login.cards_allowed is false, so nobody could log in by card',
    });
  const out: string[] = [];
  const unforced = new Names();
  await eachAccount(
    parts,
    (account) => planFor(account, parts),
    ({ keptInBy }, { name }) => {
      if (keptInBy !== null) return;
      if (forced.has(name)) out.push(name);
      else unforced.add(name);
    },
  );
  if (unforced.count > 0) throw new AgentError('would-shut-out', { say: String(unforced) });
  const minutes = parts.policy().enforcement.confirmMinutes;
  const untilMs = await parts.enforcement.startTrial(minutes, by, code, peer);
  return { until: iso(untilMs), shutOut: out };
};

export const confirm: Run<'ConfirmEnforcement'> = async (_, peer, { enforcement: parts }) => {
  if (!parts.enforcement.isOn) throw new AgentError('invalid-argument', { say: 'enforcement is off' });
  const login = parts.enforcement.cardLoginInTrial();
  if (login === null) throw new AgentError('no-card-login');
  await parts.enforcement.confirm(peer);
  return { user: login.user, at: iso(login.atMs) };
};

export const stop: Run<'StopEnforcement'> = async (_, peer, { enforcement: { enforcement } }) => {
  await enforcement.turnOff(peer);
  return {};
};

async function record(
  exemption: Exemption | null,
  before: Exemption | null,
  peer: PeerCredentials,
  { audit }: EnforcementParts,
): Promise<void> {
  const text = (one: Exemption | null): string =>
    one === null ? 'none' : `until ${iso(one.untilMs)} by ${one.by}: ${one.reason}`;
  const user = (exemption ?? before)?.user ?? '';
  const changes = [{ setting: `exemption of ${user}`, from: text(before), to: text(exemption) }];
  await audit.record({ kind: 'policy-changed', actor: peer, changes });
}

export const exempt: Run<'Exempt'> = async (given, peer, { enforcement: parts }) => {
  const { name: user } = await accountNamed(given.user, parts.accounts);
  const nowMs = parts.clock.nowMs();
  const untilMs = Date.parse(given.until);
  if (!(untilMs > nowMs && untilMs <= nowMs + MAX_EXEMPT_MS)) throw new InvalidParameter('until');
  const reason = printable(given.reason ?? '', MAX_TEXT);
  const exemption: Exemption = { user, untilMs, by: loginNameOf(given.by), madeAtMs: nowMs, reason };
  const before = parts.enforced.exemptionOf(user);
  // First the record: an exemption that nobody can read of is none.
  await record(exemption, before, peer, parts);
  parts.enforced.exempt(exemption);
  return { exemption: wireExemption(exemption) };
};

export const unexempt: Run<'Unexempt'> = async (given, peer, { enforcement: parts }) => {
  const user = parseUsername(given.user);
  const before = parts.enforced.exemptionOf(user);
  if (before === null) return { removed: false };
  const account = await parts.accounts.byName(user);
  if (account !== null && given.shutOut !== true)
    await guardAgainstShutOut(account, { withoutExemption: true }, parts);
  const removed = parts.enforced.unexempt(user);
  await record(null, before, peer, parts);
  return { removed };
};

export const newCode: Run<'SetBreakGlass'> = async (given, peer, { enforcement: parts }) => {
  const code = codeOf(given);
  if (!parts.enforcement.isOn) throw new AgentError('invalid-argument', { say: 'enforcement is off' });
  parts.enforced.setBreakGlass(code);
  const changes = [{ setting: 'break-glass code', from: 'the one before', to: 'a new one' }];
  await parts.audit.record({ kind: 'policy-changed', actor: peer, changes });
  return {};
};
