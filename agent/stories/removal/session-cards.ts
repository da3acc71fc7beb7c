// What the programs of users' sessions are told: the cards that are in, numbered by insertion, and removals that a
// session has to act on. Each number is claimed once a user, so that two sessions, or one that was started again, do
// not ask twice. It offers and locks nothing itself.

import type { Clock } from '../../base/clock.ts';
import type { Account } from '../../model/account.ts';
import type { Username } from '../../model/request.ts';
import type { Token } from '../../token/interface.ts';

/** A card in a reader, from insertion to removal. */
export interface SessionCard {
  readonly number: number;
  readonly token: Token;
}

interface LostCard extends SessionCard {
  readonly atMs: number;
}

/** A removal after which a session was to be locked or ended. */
export interface SessionRemoval {
  readonly number: number;
  readonly user: Username;
  readonly uid: number;
  readonly tokenId: string;
  /** logind's name of the session; null where there is none. */
  readonly session: string | null;
  readonly label: string;
  readonly action: 'lock' | 'logout';
  /** logind was told, and took it. */
  readonly done: boolean;
  /** What locks the screen; empty: nothing to run. */
  readonly command: readonly string[];
  readonly cause: 'card-removed' | 'card-lost';
  readonly atMs: number;
}

/** A card that a failed driver or pcscd lost and that is back by then was in all the time. */
export const BACK_MS = 15_000;
/** A session program that is started by a removal comes this long after it at the latest. */
const REMOVAL_KEPT_MS = 30_000;
/** A dialog that opens this soon after a login would come out of nowhere. */
const AFTER_LOGIN_MS = 8000;

export class SessionCards {
  readonly #clock: Clock;
  readonly #cards = new Map<Token, number>();
  /** Cards that may be in still, with their number and when they were lost. */
  #lost: readonly LostCard[] = [];
  #removals: SessionRemoval[] = [];
  readonly #claims = new Map<number, Set<number>>();
  readonly #listeners = new Set<() => void>();
  readonly #open = new Map<Username, number>();
  readonly #lastEnd = new Map<Username, number>();
  /** Not those of an agent that ran before: a program that is still connected to it would take them for known. */
  #numbers: number;
  #policyNumber = 0;
  /** Cards that were in when the agent started, or are being set up: nobody has put them in now. */
  readonly #old = new Set<number>();
  /** Readers with a card that is being set up, with how often. */
  readonly #atWork = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#numbers = clock.nowMs();
  }

  /** @param isNew false: it was in before anybody watched */
  cardIn(token: Token, isNew = true): void {
    const back = this.#takeLost(token);
    const number = back?.number ?? (this.#numbers += 1);
    if ((!isNew && back === undefined) || this.#atWork.has(token.slot.reader)) this.#old.add(number);
    this.#cards.set(token, number);
    this.tell();
  }

  /** @param removed false: it may be in still */
  cardOut(token: Token, removed: boolean): void {
    const number = this.#cards.get(token);
    if (number === undefined) return;
    this.#cards.delete(token);
    if (removed) {
      this.#old.delete(number);
      this.#claims.delete(number);
    } else this.#lost = [...this.#lost, { number, token, atMs: this.#clock.monotonicMs() }];
    this.tell();
  }

  /** The lost card that this is: of several with one id the one of this reader. */
  #takeLost(token: Token): LostCard | undefined {
    const nowMs = this.#clock.monotonicMs();
    const lost = this.#lost.filter(({ atMs }) => nowMs - atMs < BACK_MS);
    const alike = lost.filter((card) => card.token.id === token.id);
    const back = alike.find((card) => card.token.slot.reader === token.slot.reader) ?? alike[0];
    this.#lost = lost.filter((card) => card !== back);
    return back;
  }

  /** @returns the removal's number */
  removal(removal: Omit<SessionRemoval, 'number' | 'atMs'>): number {
    const atMs = this.#clock.monotonicMs();
    this.#removals = this.#recent(atMs);
    const number = (this.#numbers += 1);
    this.#removals.push({ ...removal, number, atMs });
    this.tell();
    return number;
  }

  #recent(nowMs: number): SessionRemoval[] {
    const recent = this.#removals.filter(({ atMs }) => nowMs - atMs < REMOVAL_KEPT_MS);
    for (const { number } of this.#removals.filter((one) => !recent.includes(one)))
      this.#claims.delete(number);
    return recent;
  }

  get cards(): readonly SessionCard[] {
    return [...this.#cards].map(([token, number]) => ({ number, token }));
  }

  removalsOf({ uid }: Account): readonly SessionRemoval[] {
    return this.#recent(this.#clock.monotonicMs()).filter((removal) => removal.uid === uid);
  }

  isClaimed(uid: number, number: number): boolean {
    return this.#old.has(number) || (this.#claims.get(number)?.has(uid) ?? false);
  }

  /**
   * Takes an insertion or a removal for one program of this user.
   * @returns null when somebody has it already, or there is no such thing (any more); what it is about otherwise
   */
  claim(uid: number, number: number): SessionCard | SessionRemoval | null {
    const found =
      this.cards.find((card) => card.number === number) ??
      this.#removals.find((removal) => removal.number === number && removal.uid === uid);
    if (found === undefined || this.isClaimed(uid, number)) return null;
    const claims = this.#claims.get(number) ?? new Set();
    claims.add(uid);
    this.#claims.set(number, claims);
    this.tell();
    return found;
  }

  /**
   * The card in this reader is being set up: what is read of it meanwhile, under whatever name, is offered to nobody.
   * Why: DECISIONS.md D256.
   * @returns its end
   */
  atWork(reader: string): () => void {
    this.#atWork.set(reader, (this.#atWork.get(reader) ?? 0) + 1);
    for (const [token, number] of this.#cards) if (token.slot.reader === reader) this.#old.add(number);
    this.tell();
    return () => {
      const left = (this.#atWork.get(reader) ?? 1) - 1;
      if (left === 0) this.#atWork.delete(reader);
      else this.#atWork.set(reader, left);
    };
  }

  /** A login or an unlock of this user begins; the result says that it has ended. */
  loginBegins(user: Username): () => void {
    this.#open.set(user, (this.#open.get(user) ?? 0) + 1);
    this.tell();
    return () => {
      const left = (this.#open.get(user) ?? 1) - 1;
      if (left === 0) this.#open.delete(user);
      else this.#open.set(user, left);
      this.#lastEnd.set(user, this.#clock.monotonicMs());
      this.tell();
    };
  }

  /** A login or an unlock of this user is in course, or ended a moment ago. */
  isLoggingIn(user: Username): boolean {
    const lastEnd = this.#lastEnd.get(user);
    return (
      this.#open.has(user) || (lastEnd !== undefined && this.#clock.monotonicMs() - lastEnd < AFTER_LOGIN_MS)
    );
  }

  /** @returns the end of the subscription */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Grows when {@link policyChanged} is called. */
  get policyNumber(): number {
    return this.#policyNumber;
  }

  /** Enforcement, an exemption or a setting in force may be different (DECISIONS.md D286). */
  policyChanged(): void {
    this.#policyNumber += 1;
    this.tell();
  }

  /** Something that they show may be different: pairings, the prompt. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
