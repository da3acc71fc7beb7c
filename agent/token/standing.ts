// The tokens that are in no reader (the machine's own chip, a software token): looked for at the start, and again after
// their driver has failed. Their drivers' processes run as long as there are some.

import { AgentError } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import { delay } from './delay.ts';
import type { SlotDriver, Token } from './interface.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

type Change =
  | { readonly kind: 'token-in'; readonly token: Token }
  | { readonly kind: 'token-out'; readonly token: Token; readonly removed: boolean };

export class StandingTokens {
  readonly #drivers: readonly SlotDriver[];
  readonly #tell: (change: Change) => void;
  readonly #found = new Map<SlotDriver, readonly Token[]>();
  readonly #failures = new Map<SlotDriver, number>();
  readonly #closing = new AbortController();
  #looking: Promise<void> | null = null;

  constructor(drivers: readonly SlotDriver[], tell: (change: Change) => void) {
    this.#drivers = drivers;
    this.#tell = tell;
  }

  get tokens(): readonly Token[] {
    return [...this.#found.values()].flat();
  }

  /** Settles when the look is over; null when none is under way. */
  get looking(): Promise<void> | null {
    return this.#looking;
  }

  /** As TokenSource.newToken. */
  async make(label: string, pin: Pin): Promise<void> {
    const driver = this.#drivers.find((one) => one.newToken !== undefined);
    if (driver?.newToken === undefined) {
      pin.wipe();
      throw new AgentError('not-supported', { detail: 'no driver has tokens in no reader' });
    }
    try {
      await driver.newToken(label, pin);
    } finally {
      // Also where it failed: a module may have made one all the same.
      await this.lookAgain();
    }
  }

  /** What is on a token has changed. */
  async lookAgain(): Promise<void> {
    this.look();
    await this.#looking;
  }

  look(): void {
    if (this.#drivers.length === 0) return;
    const looks = this.#drivers.map((driver) => this.#lookAt(driver));
    const all = Promise.all([this.#looking, ...looks]).then(() => {
      if (this.#looking === all) this.#looking = null;
    });
    this.#looking = all;
  }

  /** Tokens that are gone with their driver's process. */
  lose(driver: SlotDriver, lost: readonly Token[]): void {
    const had = this.#found.get(driver) ?? [];
    const gone = had.filter((token) => lost.includes(token));
    if (gone.length === 0) return;
    this.#found.set(
      driver,
      had.filter((token) => !gone.includes(token)),
    );
    for (const token of gone) this.#tell({ kind: 'token-out', token, removed: false });
    this.#again(driver);
  }

  close(): void {
    this.#closing.abort();
    this.#found.clear();
  }

  async #lookAt(driver: SlotDriver): Promise<void> {
    try {
      const tokens = await driver.standing();
      if (this.#closing.signal.aborted) return;
      const before = this.#found.get(driver) ?? [];
      this.#found.set(driver, tokens);
      this.#failures.delete(driver);
      for (const token of before) this.#tell({ kind: 'token-out', token, removed: false });
      for (const token of tokens) this.#tell({ kind: 'token-in', token });
    } catch {
      // The driver has told the log why.
      this.#again(driver);
    }
  }

  #again(driver: SlotDriver): void {
    const failures = this.#failures.get(driver) ?? 0;
    this.#failures.set(driver, failures + 1);
    void delay(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS), this.#closing.signal).then(() => {
      if (!this.#closing.signal.aborted) void this.#lookAt(driver);
    });
  }
}
