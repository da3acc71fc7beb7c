// Enforcement around the fakes of the login stories: a table in memory that can break, a clock that is moved by hand,
// accounts and groups, and the parts of the account phase and of the methods.

import { NO_FLEET, type FleetStanding } from '../../../../agent/model/book/book-state.ts';
import type { AuditLog } from '../../../../agent/audit/interface.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { Clock } from '../../../../agent/base/clock.ts';
import { BreakGlass } from '../../../../agent/stories/enforcement/break-glass.ts';
import { Enforcement } from '../../../../agent/stories/enforcement/enforcement.ts';
import { LoginMemory } from '../../../../agent/stories/enforcement/login-memory.ts';
import type { EntryParts } from '../../../../agent/stories/enforcement/account-phase.ts';
import type { Account, Accounts } from '../../../../agent/model/account.ts';
import type {
  CardLogin,
  CodeHash,
  EnforcementState,
  Exemption,
} from '../../../../agent/model/enforcement.ts';
import type { SessionSource } from '../../../../agent/logind/interface.ts';
import type { UserSession } from '../../../../agent/model/peer-session.ts';
import { parseUsername, type Username } from '../../../../agent/model/request.ts';
import type { EnforcementTable } from '../../../../agent/store/interface.ts';
import {
  accounts as twoAccounts,
  alice,
  bob,
  FakeAudit,
  FakePairings,
  noTrust,
} from '../../../kit/story/fakes.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';

export class FakeEnforcementTable implements EnforcementTable {
  state: EnforcementState = { kind: 'off' };
  exempted: Exemption[] = [];
  code: CodeHash | null = null;
  logins: CardLogin[] = [];
  /** Nothing can be read. */
  broken = false;
  /** Nothing can be written. */
  full = false;

  #use(forWriting: boolean): void {
    if (this.broken || (forWriting && this.full)) throw new AgentError('store-unreadable', { detail: 'EIO' });
  }

  enforcement(): EnforcementState {
    this.#use(false);
    return this.state;
  }

  setEnforcement(state: EnforcementState, code?: CodeHash | null): void {
    this.#use(true);
    this.state = state;
    if (code !== undefined) this.code = code;
  }

  exemptionOf(user: Username): Exemption | null {
    this.#use(false);
    return this.exempted.find((one) => one.user === user) ?? null;
  }

  exemptionPage(after: Username | null, count: number): Exemption[] {
    this.#use(false);
    const all = this.exempted.toSorted((one, other) => (one.user < other.user ? -1 : 1));
    return all.filter(({ user }) => after === null || user > after).slice(0, count);
  }

  exempt(exemption: Exemption): void {
    this.unexempt(exemption.user);
    this.exempted.push(exemption);
  }

  unexempt(user: Username): boolean {
    this.#use(true);
    const before = this.exempted.length;
    this.exempted = this.exempted.filter((one) => one.user !== user);
    return this.exempted.length < before;
  }

  breakGlass(): CodeHash | null {
    this.#use(false);
    return this.code;
  }

  setBreakGlass(code: CodeHash | null): void {
    this.setEnforcement(this.state, code);
  }

  cardLogins(user: Username): CardLogin[] {
    this.#use(false);
    return this.logins.filter((login) => login.user === user);
  }

  lastCardLogin(sinceMs: number): CardLogin | null {
    this.#use(false);
    const since = this.logins.filter(({ atMs }) => atMs >= sinceMs);
    return since.toSorted((one, other) => other.atMs - one.atMs)[0] ?? null;
  }

  noteCardLogin(login: CardLogin): void {
    this.#use(true);
    this.logins = this.logins.filter(({ user, pkhh }) => user !== login.user || pkhh !== login.pkhh);
    this.logins.push(login);
  }
}

/** Both clocks; the monotonic one is not moved by setting the wall clock. */
export class HandClock implements Clock {
  wallMs = 1_000_000;
  monotoneMs = 0;

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.monotoneMs;
  }

  /** Time goes by. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.monotoneMs += ms;
  }
}

const rootsSession: UserSession = {
  ...{ id: '1', uid: 0, user: 'root', seat: 'seat0', type: 'tty', class: 'user', display: null, tty: 'tty1' },
  ...{ remote: false, remoteHost: null, state: 'active' },
};
export const root: Account = { name: parseUsername('root'), uid: 0 };

export interface EnforcedScene extends EntryParts {
  readonly table: FakeEnforcementTable;
  readonly pairings: FakePairings;
  readonly audit: FakeAudit;
  readonly clock: HandClock;
  readonly fleet: () => FleetStanding;
  readonly lines: string[];
  /** What the PAM module was told. */
  readonly published: EnforcementState[];
}

/** Logind as it is: process 1 (which has no terminal) is in the active session of the seat, all others in none. */
const sessions: SessionSource = {
  sessionOf: ({ pid }) =>
    Promise.resolve(
      pid === 1
        ? { place: 'local', session: rootsSession, detail: '' }
        : { place: 'none', session: null, detail: '' },
    ),
};

export interface SceneOptions {
  readonly policy?: PolicyChanges;
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly accounts?: Accounts;
  readonly people?: readonly Account[];
  readonly audit?: AuditLog;
  readonly table?: FakeEnforcementTable;
  readonly clock?: HandClock;
}

/** Alice, Bob and root, none of them paired; enforcement is off. */
export function enforcedScene({
  policy = {},
  groups = {},
  accounts = {
    byName: async (name) => (name === root.name ? root : twoAccounts.byName(name)),
    byUid: async (uid) => (uid === 0 ? root : twoAccounts.byUid(uid)),
  },
  people = [root, alice, bob],
  table = new FakeEnforcementTable(),
  clock = new HandClock(),
}: SceneOptions = {}): EnforcedScene {
  const lines: string[] = [];
  const log = (line: string): void => {
    lines.push(line);
  };
  const pairings = new FakePairings();
  const audit = new FakeAudit();
  const published: EnforcementState[] = [];
  const publish = (state: EnforcementState): void => {
    // The same disk.
    if (table.full) throw new AgentError('internal', { detail: 'no space left' });
    published.push(state);
  };
  const whole = policyWith(policy);
  return {
    table,
    policy: () => whole,
    pairings,
    enforced: table,
    directory: {
      people: () => Promise.resolve([...people]),
      isMember: (user, group) => Promise.resolve(groups[group]?.includes(user) ?? null),
      isRoot: (user) => Promise.resolve(user === 'root'),
    },
    enforcement: new Enforcement({ table, pairings, audit, clock, publish, log }),
    memory: new LoginMemory(clock),
    breakGlass: new BreakGlass({ table, clock, log }),
    accounts,
    sessions,
    trust: noTrust,
    drivers: () => [],
    fleet: () => NO_FLEET,
    audit,
    clock,
    log,
    lines,
    published,
  };
}
