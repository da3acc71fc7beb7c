// PC/SC contexts that wait for the next login: making one costs a socket to pcscd and a thread in it.
// They die with pcscd; whoever meets a dead one says `drop` and takes a new one.

import type { WinscardLibrary } from './library.ts';
import { checkReturn } from './errors.ts';

/** One for each of two readers at once is what a login needs; more would only idle in pcscd. */
const MAX_IDLE = 2;

export class ContextPool {
  readonly #library: WinscardLibrary;
  #idle: number[] = [];
  #closed = false;

  constructor(library: WinscardLibrary) {
    this.#library = library;
  }

  /** An idle context that may be dead, or a new one. @throws AgentError `no-service`, `not-authorised` */
  async take(): Promise<{ context: number; fresh: boolean }> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return { context: idle, fresh: false };
    const { rv, context } = await this.#library.establishContext();
    checkReturn('SCardEstablishContext', rv);
    return { context, fresh: true };
  }

  /** Gives back a context that worked and has no open card. */
  async give(context: number): Promise<void> {
    if (this.#closed || this.#idle.length >= MAX_IDLE) await this.drop(context);
    else this.#idle.push(context);
  }

  /** Ends a context. Never rejects. */
  async drop(context: number): Promise<void> {
    await this.#library.releaseContext(context).catch(() => undefined);
  }

  /** Ends all idle contexts: after pcscd went away, all of them are dead. */
  async dropIdle(): Promise<void> {
    const idle = this.#idle;
    this.#idle = [];
    await Promise.all(idle.map((context) => this.drop(context)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.dropIdle();
  }
}
