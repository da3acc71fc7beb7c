// The story of the account phase: may this account get in without its card? It starts as a refusal. Whoever is refused
// may type the break-glass code. Exceptions shout in the audit log, and are never held up by it.
// Why: DECISIONS.md D118.

import { describeError, printable } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Clock } from '../../base/clock.ts';
import type { Account, Accounts } from '../../model/account.ts';
import type { AuditEvent } from '../../model/sealed-log/audit-event.ts';
import type { AuthRequest, Username } from '../../model/request.ts';
import type { SessionSource } from '../../logind/interface.ts';
import { permitWithoutCard, type Asked, type EntryPermission } from '../../../policy/permit-without-card.ts';
import type { Rule } from '../../../policy/policy.ts';
import { isInExemptGroup, requiredOf, type StandingParts } from './account-standing.ts';
import type { OutlookParts } from './card-outlook.ts';
import type { BreakGlass } from './break-glass.ts';
import type { Conversation } from '../card/conversation.ts';
import type { Enforcement } from './enforcement.ts';
import { isOnConsole } from './console.ts';
import type { LoginMemory } from './login-memory.ts';

export interface EntryParts extends StandingParts, OutlookParts {
  readonly enforcement: Enforcement;
  readonly memory: LoginMemory;
  readonly breakGlass: BreakGlass;
  readonly accounts: Accounts;
  readonly sessions: SessionSource;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** `unavailable`: what is enforced cannot be read, and the other modules decide. */
export type Entry = 'permitted' | 'card-required' | 'unknown-user' | 'unavailable';

/** What we do not remember, the relay may have noted: that nobody was asked is never concluded from our memory alone. */
async function askedBefore(
  request: AuthRequest,
  user: Username | null,
  person: Conversation,
  parts: EntryParts,
): Promise<Asked> {
  const asked = parts.memory.asked(request, user);
  if (asked !== 'nothing') return asked;
  const happened = (await person.recall?.()) ?? null;
  // A relay before version 3 notes nothing.
  if (happened === null || happened === 'nothing') return 'nothing';
  parts.log(`${request.id}: pid ${request.peer.pid} has authenticated, by its own note: ${happened}`);
  return 'other';
}

/**
 * The facts are gathered here, and policy/ decides.
 * @param account null: nobody knows it
 * @throws AgentError `store-unreadable`
 */
async function permissionOf(
  request: AuthRequest,
  account: Account | null,
  person: Conversation,
  parts: EntryParts,
): Promise<EntryPermission> {
  const { service, rhost, peer } = request;
  const policy = parts.policy();
  const user = account?.name ?? request.user;
  let inExemptGroup = false;
  let isRequired = true;
  try {
    if (account !== null) {
      inExemptGroup = await isInExemptGroup(account.name, policy, parts.directory);
      ({ isRequired } = await requiredOf(account.name, policy, parts.directory));
    }
  } catch (error) {
    // Nobody is exempt, and it is required of nobody less, because a directory does not answer.
    parts.log(`${request.id}: ${describeError(error)}`);
  }
  const session = await parts.sessions.sessionOf(peer);
  const exemption = user === null ? null : parts.enforced.exemptionOf(user);
  return permitWithoutCard(
    policy,
    parts.enforcement.state(),
    {
      service,
      rhost,
      session: session.place,
      peerUid: peer.uid,
      userUid: account?.uid ?? null,
      isRoot: account?.uid === 0,
      onConsole: isOnConsole(request, session),
      inExemptGroup,
      isRequired,
      exemptUntilMs: exemption?.untilMs ?? null,
      hasPairing: user !== null && parts.pairings.isBound(user),
      asked: await askedBefore(request, user, person, parts),
    },
    parts.clock.nowMs(),
  );
}

type EntryKind = 'exemption-used' | 'break-glass-used';

function requestOf<U extends Username | null>({ id, service, tty, rhost, peer }: AuthRequest, user: U) {
  return {
    requestId: id,
    user,
    service: printable(service),
    tty: tty === null ? null : printable(tty),
    rhost: rhost === null ? null : printable(rhost),
    peer,
    detail: null,
  };
}

/** Says it in both logs; a log that cannot be written keeps nobody out here. */
async function shout(
  kind: EntryKind,
  request: AuthRequest,
  user: Username,
  rule: Rule,
  parts: EntryParts,
): Promise<void> {
  parts.log(`${request.id}: ${user} gets in to ${printable(request.service)} without a card: ${rule}`);
  const event: AuditEvent = { kind, ...requestOf(request, user), rule };
  try {
    await parts.audit.record(event);
  } catch (error) {
    parts.log(`${request.id}: not in the audit log: ${describeError(error)}`);
  }
}

async function decide(request: AuthRequest, person: Conversation, parts: EntryParts): Promise<Entry> {
  if (!parts.enforcement.isOn) return 'permitted';
  const { user } = request;
  const account = user === null ? null : await parts.accounts.byName(user);
  const { permitted, rule, loud } = await permissionOf(request, account, person, parts);
  if (account === null && permitted) return 'unknown-user';
  if (account !== null && permitted) {
    if (loud) await shout('exemption-used', request, account.name, rule, parts);
    return 'permitted';
  }
  if (account !== null && rule !== 'peer' && (await parts.breakGlass.ask(account.name, person))) {
    parts.memory.letIn(request, account.name);
    await shout('break-glass-used', request, account.name, 'break-glass code', parts);
    return 'permitted';
  }
  const refusal: AuditEvent = {
    kind: 'login',
    outcome: { kind: 'denied', reason: 'card-required' },
    key: null,
    ...requestOf(request, user),
    rule,
  };
  parts.audit.record(refusal).catch((error: unknown) => {
    parts.log(`${request.id}: ${describeError(error)}`);
  });
  return 'card-required';
}

/** One account phase; never throws. */
export async function permitEntry(
  request: AuthRequest,
  person: Conversation,
  parts: EntryParts,
): Promise<Entry> {
  try {
    return await decide(request, person, parts);
  } catch (error) {
    parts.log(`${request.id}: ${describeError(error)}`);
    return 'unavailable';
  }
}
