// The session of a peer: from the kernel the unit of its process, from logind what that session is. PAM_RHOST and the
// environment have no say here. Whatever cannot be found out where logind runs is `unclear`, never local.

import { existsSync } from 'node:fs';
import { assertNever } from '../base/assert.ts';
import { describeError } from '../base/errors.ts';
import { auditSessionOf, effectiveUidOf, startTicksOf } from '../base/process-facts.ts';
import { processUnitOf, type ProcessUnit } from '../base/process-unit.ts';
import type { PeerSession, SessionPlace, UserSession } from '../model/peer-session.ts';
import type { PeerCredentials } from '../model/request.ts';
import { session as say } from '../words/whose-session.ts';
import type { SessionSource } from './interface.ts';
import { Login1 } from './login1.ts';

/** logind makes it, and whoever wants to know whether it runs looks for it (sd-login(3)). */
const SEATS = '/run/systemd/seats';
/** Longer than that no login waits. */
const DEADLINE_MS = 2000;

/** What is asked of the kernel. */
export interface ProcessFacts {
  readonly unitOf: (pid: number) => ProcessUnit | null;
  readonly startTicksOf: (pid: number) => number | null;
  readonly effectiveUidOf: (pid: number) => number | null;
  readonly auditSessionOf: (pid: number) => string | null;
}

export interface PeerSessionParts {
  readonly login1: Login1;
  readonly processes: ProcessFacts;
  readonly seats: string;
  readonly deadlineMs: number;
  /** For the agent's own log. */
  readonly log: (line: string) => void;
}

const kernel: ProcessFacts = { unitOf: processUnitOf, startTicksOf, effectiveUidOf, auditSessionOf };

function unclear(detail: string, session: UserSession | null = null): PeerSession {
  return { place: 'unclear', session, detail };
}

/** Sessions that a person works in; a user's manager, cron and the like have sessions too. */
function isPersons({ class: kind, state }: UserSession): boolean {
  return /^(user|greeter|lock-screen)/.test(kind) && state !== 'closing';
}

function placeOf({ remote, seat, state }: UserSession): SessionPlace {
  if (remote) return 'remote';
  return seat === null || state === 'closing' ? 'unclear' : 'local';
}

function describe(session: UserSession): string {
  const { id, user, seat, type, display, tty, remote, remoteHost, state } = session;
  if (remote) return say.remote(id, user, remoteHost);
  if (state === 'closing') return say.closing(id, user);
  if (seat === null) return say.noSeat(id, user, type, remoteHost);
  return say.atSeat(id, user, seat, [type, display ?? tty].filter(Boolean).join(' '));
}

function judge(session: UserSession): PeerSession {
  return { place: placeOf(session), session, detail: describe(session) };
}

export class LogindSessions implements SessionSource {
  readonly #parts: PeerSessionParts;

  constructor(parts: Partial<PeerSessionParts> = {}) {
    this.#parts = {
      login1: new Login1(),
      processes: kernel,
      seats: SEATS,
      deadlineMs: DEADLINE_MS,
      log: () => undefined,
      ...parts,
    };
  }

  async sessionOf(peer: PeerCredentials): Promise<PeerSession> {
    if (!existsSync(this.#parts.seats)) return { place: 'unknown', session: null, detail: say.noLogind };
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new Error(say.silent));
    }, this.#parts.deadlineMs);
    try {
      const found = await this.#ofProcess(peer, late.signal);
      // The number may have been given to another process while it was looked up.
      return peer.process?.runs() === false ? unclear(say.ended) : found;
    } catch (error) {
      const why = late.signal.aborted ? say.silent : describeError(error);
      this.#parts.log(`no session for pid ${peer.pid}: ${why}`);
      return unclear(say.unknown(why));
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#parts.login1.close();
  }

  #ofProcess(peer: PeerCredentials, signal: AbortSignal): Promise<PeerSession> {
    return this.#ofUnit(peer.pid, this.#parts.processes.unitOf(peer.pid), signal, false);
  }

  /** @param forClient it is about the client of a service, which is no such service itself */
  async #ofUnit(
    pid: number,
    unit: ProcessUnit | null,
    signal: AbortSignal,
    forClient: boolean,
  ): Promise<PeerSession> {
    const { login1, processes } = this.#parts;
    // Hidden from us (hidepid): logind may see it.
    if (unit === null) return judge(await login1.sessionOfProcess(pid, signal));
    switch (unit.kind) {
      case 'session':
        return judge(await login1.session(unit.id, signal));
      case 'user-manager':
        return this.#ofUser(unit.uid, signal);
      case 'for-client':
        return forClient ? unclear(say.otherClient(unit.name)) : this.#ofClient(pid, unit, signal);
      case 'system': {
        const login = processes.auditSessionOf(pid);
        // What belongs to the same login as scauthd itself is as much the system's as scauthd is.
        if (login === null || login === processes.auditSessionOf(process.pid))
          return { place: 'none', session: null, detail: say.system };
        return unclear(say.leftBehind(login));
      }
      case 'contradictory':
        return unclear(say.twoUnits);
      default:
        return assertNever(unit);
    }
  }

  /** systemd has started the peer for this client: polkit's helper works for an agent in somebody's session. */
  async #ofClient(
    pid: number,
    client: Extract<ProcessUnit, { kind: 'for-client' }>,
    signal: AbortSignal,
  ): Promise<PeerSession> {
    const { unitOf, startTicksOf: startOf, effectiveUidOf: uidOf } = this.#parts.processes;
    const unit = client.pid === 0 ? null : unitOf(client.pid);
    const [since, peerSince] = [startOf(client.pid), startOf(pid)];
    // A process that is younger than the service has only got the number.
    if (
      unit === null ||
      since === null ||
      peerSince === null ||
      since > peerSince ||
      uidOf(client.pid) !== client.uid
    )
      return unclear(say.clientGone(client.name));
    return this.#ofUnit(client.pid, unit, signal, true);
  }

  /**
   * All sessions of a user share one manager, and nobody can say from which a program in it is used: it is local only
   * when each of them is.
   */
  async #ofUser(uid: number, signal: AbortSignal): Promise<PeerSession> {
    const { sessions, display } = await this.#parts.login1.sessionsOfUser(uid, signal);
    const persons = sessions.filter(isPersons);
    const [first] = persons;
    if (first === undefined) return unclear(say.none(uid));
    const elsewhere = persons.filter((session) => placeOf(session) !== 'local');
    const [other] = elsewhere;
    const inFront = persons.find(({ state }) => state === 'active');
    if (other === undefined) return judge(inFront ?? persons.find(({ id }) => id === display) ?? first);
    if (elsewhere.length === persons.length) return judge(elsewhere.find(({ remote }) => remote) ?? other);
    return unclear(say.perhapsOther(describe(other)), other);
  }
}
