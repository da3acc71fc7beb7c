// The way in of an emergency: the code that `sc_auth enforce on` printed, typed where a card was required. It opens one
// login. Guesses are counted for each account by itself, so that nobody can use up another's.

import { describeError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import { compareCode } from '../../model/secret/break-glass.ts';
import type { Username } from '../../model/request.ts';
import type { EnforcementTable } from '../../store/interface.ts';
import { breakGlass as say } from '../../words/enforcement.ts';
import type { Conversation } from '../card/conversation.ts';

/** A mistyped code is asked for again; a locker answers each prompt with the same text. */
const PROMPTS = 3;
const MAX_WRONG = 5;
const WRONG_COUNTS_MS = 900_000;
/** Questions that are open for one account: whoever has so many does not wait for an answer. */
const MAX_OPEN = 4;

export interface BreakGlassParts {
  readonly table: EnforcementTable;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

export class BreakGlass {
  readonly #parts: BreakGlassParts;
  readonly #wrong = new Map<Username, number[]>();
  readonly #open = new Map<Username, number>();
  /** Salts of codes that were used, for where that could not be written down. */
  readonly #used = new Set<string>();
  /** One comparison at a time: each takes memory and a processor. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: BreakGlassParts) {
    this.#parts = parts;
  }

  /** Whether there is a code that still opens a login. @throws AgentError `store-unreadable` */
  get isReady(): boolean {
    return this.#code() !== null;
  }

  /**
   * Asks for the code. @returns true when it was right; it opens nothing a second time
   * @throws AgentError `store-unreadable`
   */
  async ask(user: Username, person: Conversation): Promise<boolean> {
    const open = this.#open.get(user) ?? 0;
    if (open >= MAX_OPEN || !this.isReady) return false;
    this.#open.set(user, open + 1);
    try {
      return await this.#ask(user, person);
    } finally {
      const left = (this.#open.get(user) ?? 1) - 1;
      if (left === 0) this.#open.delete(user);
      else this.#open.set(user, left);
    }
  }

  async #ask(user: Username, person: Conversation): Promise<boolean> {
    for (let prompt = 1; prompt <= PROMPTS; prompt += 1) {
      if (this.#wrongOf(user).length >= MAX_WRONG) {
        person.tell('error', say.tooMany);
        return false;
      }
      const typed = await person.ask(say.prompt, false);
      if (typed === null) return false;
      if (typed.isEmpty) {
        typed.wipe();
        return false;
      }
      switch (await this.#inTurn(() => this.#compare(typed, user))) {
        case 'right':
          return true;
        case 'malformed':
          person.tell('error', say.malformed);
          break;
        case 'wrong':
          person.tell('error', say.wrong);
          break;
      }
    }
    return false;
  }

  #code() {
    const code = this.#parts.table.breakGlass();
    return code === null || this.#used.has(code.salt.toString('hex')) ? null : code;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(act, act);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #compare(typed: Parameters<typeof compareCode>[0], user: Username) {
    const code = this.#code();
    if (code === null || this.#wrongOf(user).length >= MAX_WRONG) {
      typed.wipe();
      return 'wrong';
    }
    const verdict = await compareCode(typed, code);
    if (verdict === 'wrong') this.#wrong.set(user, [...this.#wrongOf(user), this.#parts.clock.monotonicMs()]);
    if (verdict !== 'right') return verdict;
    this.#used.add(code.salt.toString('hex'));
    try {
      this.#parts.table.setBreakGlass(null);
    } catch (error) {
      // A full disk must not keep out whoever comes to make room.
      this.#parts.log(`the break-glass code was used; that was not written: ${describeError(error)}`);
    }
    return verdict;
  }

  #wrongOf(user: Username): number[] {
    const since = this.#parts.clock.monotonicMs() - WRONG_COUNTS_MS;
    return (this.#wrong.get(user) ?? []).filter((atMs) => atMs > since);
  }
}
