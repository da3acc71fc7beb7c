// Whether enforcement is on, and what changes that: on for a trial, confirmed by a card login, off by itself at the
// trial's end. Holds the state between the database and those who ask; who may get in is policy/'s.

import { describeError } from '../../base/errors.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { Clock } from '../../base/clock.ts';
import type { CardLogin, CodeHash, EnforcementState } from '../../model/enforcement.ts';
import type { Pkhh } from '../../model/key/key.ts';
import { parseUsername, type PeerCredentials, type Username } from '../../model/request.ts';
import type { EnforcementTable, PairingTable } from '../../store/interface.ts';
import type { PasswordInstead } from '../login/login-parts.ts';
import { isEnforced } from '../../../policy/permit-without-card.ts';

/** A card login is written down once in this time for each key, and at once while a trial waits for it. */
const NOTE_EACH_MS = 3_600_000;
/** Cards that are known to be noted; then it starts anew. */
const MAX_NOTED = 4096;
/** A timer cannot wait longer than 24.8 days. */
const MAX_TIMER_MS = 2_000_000_000;

export interface EnforcementParts {
  readonly table: EnforcementTable;
  readonly pairings: PairingTable;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Tells the PAM module, for the time in which we do not answer. @throws AgentError `internal` */
  readonly publish: (state: EnforcementState) => void;
  readonly log: (line: string) => void;
}

function described(state: EnforcementState): string {
  return state.kind === 'trial' ? `trial until ${new Date(state.untilMs).toISOString()}` : state.kind;
}

export class Enforcement {
  readonly #parts: EnforcementParts;
  #state: EnforcementState | null = null;
  /** On the monotonic clock: a trial does not get longer when the wall clock is set back. */
  #trialEndsMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #noted = new Map<string, number>();

  constructor(parts: EnforcementParts) {
    this.#parts = parts;
  }

  /** The state now; a trial that ran out is off, and that is written down. @throws AgentError `store-unreadable` */
  state(): EnforcementState {
    const { table, clock } = this.#parts;
    if (this.#state === null) this.#hold(table.enforcement());
    const state = this.#state ?? { kind: 'off' };
    if (state.kind !== 'trial') return state;
    const overdue = this.#trialEndsMs !== null && clock.monotonicMs() >= this.#trialEndsMs;
    if (!overdue && isEnforced(state, clock.nowMs())) return state;
    this.#runOut();
    return { kind: 'off' };
  }

  /** For a prompt: what cannot be read costs nobody the login, so it promises nothing then. */
  passwordInstead(user: Username): PasswordInstead {
    try {
      if (this.isOn) return 'no';
      return this.#parts.table.cardLogins(user).length > 0 ? 'yes' : 'untold';
    } catch {
      return 'no';
    }
  }

  /** Whether it is in force. @throws AgentError `store-unreadable` */
  get isOn(): boolean {
    return this.state().kind !== 'off';
  }

  /**
   * Tells the PAM module how it is now: at the start, and when the settings have changed. Never throws: what cannot be
   * read or written is said in the log, and what the module was told before stays.
   */
  publish(): void {
    try {
      this.#parts.publish(this.state());
    } catch (error) {
      this.#parts.log(`enforcement: the PAM module was not told: ${describeError(error)}`);
    }
  }

  /** On, for a trial of `minutes`, with a new break-glass code. @throws AgentError `store-unreadable`, `internal` */
  async startTrial(minutes: number, by: string, code: CodeHash, actor: PeerCredentials): Promise<number> {
    const sinceMs = this.#parts.clock.nowMs();
    const untilMs = sinceMs + minutes * 60_000;
    await this.#change({ kind: 'trial', sinceMs, untilMs, by }, actor, code);
    return untilMs;
  }

  /** On for good. @throws AgentError `store-unreadable`, `internal` */
  async confirm(actor: PeerCredentials | null): Promise<void> {
    const state = this.state();
    if (state.kind !== 'trial') return;
    await this.#change({ kind: 'on', sinceMs: state.sinceMs, by: state.by }, actor);
  }

  /** Off; the break-glass code goes with it. @throws AgentError `store-unreadable` */
  async turnOff(actor: PeerCredentials | null): Promise<void> {
    await this.#change({ kind: 'off' }, actor, null);
  }

  /**
   * Notes a card login once its answer is on its way; never throws. During a trial the card login of whoever switched
   * it on confirms it: where that is no account with a card (root itself), anybody's does.
   */
  noteCardLogin(user: Username, pkhh: Pkhh, peer: PeerCredentials): void {
    setImmediate(() => {
      this.#noteCardLogin(user, pkhh, peer).catch((error: unknown) => {
        this.#parts.log(`a card login of ${user} was not noted: ${describeError(error)}`);
      });
    });
  }

  async #noteCardLogin(user: Username, pkhh: Pkhh, peer: PeerCredentials): Promise<void> {
    const { table, pairings, clock, log } = this.#parts;
    const state = this.state();
    const name = `${user} ${pkhh}`;
    const atMs = clock.nowMs();
    const before = this.#noted.get(name);
    const isFresh = before !== undefined && atMs >= before && atMs - before < NOTE_EACH_MS;
    if (isFresh && state.kind !== 'trial') return;
    // A card that [mapping] took has no pairing.
    const mapped = !pairings.forUser(user).some((pairing) => pairing.pkhh === pkhh);
    table.noteCardLogin({ user, pkhh, mapped, atMs });
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear();
    this.#noted.set(name, atMs);
    if (state.kind !== 'trial') return;
    if (user !== state.by && this.#hasCard(state.by)) {
      log(`enforcement: ${user} logged in by card; ${state.by}, who switched it on, has not yet`);
      return;
    }
    log(`enforcement: confirmed by the card login of ${user}`);
    await this.confirm(peer);
  }

  #hasCard(name: string): boolean {
    const { table, pairings } = this.#parts;
    const user = parseUsername(name);
    return pairings.forUser(user).length > 0 || table.cardLogins(user).some(({ mapped }) => mapped);
  }

  /** Whose card login came last since the trial began; null: nobody's. @throws AgentError `store-unreadable` */
  cardLoginInTrial(): CardLogin | null {
    const state = this.state();
    if (state.kind === 'off') return null;
    return this.#parts.table.lastCardLogin(state.sinceMs);
  }

  async #change(
    state: EnforcementState,
    actor: PeerCredentials | null,
    code?: CodeHash | null,
  ): Promise<void> {
    const before = this.state();
    // What the module was not told of is not in force. Where we have told it too early, we answer for ourselves.
    if (state.kind !== 'off') this.#parts.publish(state);
    this.#parts.table.setEnforcement(state, code);
    this.#hold(state);
    if (state.kind === 'off') this.publish();
    this.#parts.log(`enforcement: ${described(state)}`);
    await this.#record(before, state, actor);
  }

  /** At the trial's end. In force is what memory says, also where it cannot be written. */
  #runOut(): void {
    const before = this.#state ?? { kind: 'off' };
    this.#hold({ kind: 'off' });
    this.#parts.log('enforcement: off, since nobody confirmed it by a card login in time');
    this.publish();
    try {
      this.#parts.table.setEnforcement({ kind: 'off' }, null);
    } catch (error) {
      this.#parts.log(`enforcement: that it is off was not written: ${describeError(error)}`);
    }
    void this.#record(before, { kind: 'off' }, null);
  }

  #hold(state: EnforcementState): void {
    this.#state = state;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#trialEndsMs = null;
    if (state.kind !== 'trial') return;
    const { clock, log } = this.#parts;
    const leftMs = Math.max(0, Math.min(state.untilMs - clock.nowMs(), state.untilMs - state.sinceMs));
    this.#trialEndsMs = clock.monotonicMs() + leftMs;
    this.#timer = setTimeout(
      () => {
        try {
          this.state();
        } catch (error) {
          log(describeError(error));
        }
      },
      Math.min(leftMs + 1, MAX_TIMER_MS),
    ).unref();
  }

  /** What has been done is done, also where the log cannot be written. */
  async #record(from: EnforcementState, to: EnforcementState, actor: PeerCredentials | null): Promise<void> {
    const changes = [{ setting: 'enforcement', from: described(from), to: described(to) }];
    try {
      await this.#parts.audit.record({ kind: 'policy-changed', actor, changes });
    } catch (error) {
      this.#parts.log(`enforcement: not in the audit log: ${describeError(error)}`);
    }
  }
}
