// The tokens that are in: hears of cards, asks the drivers in order whose card it is, keeps what they read.
// Several readers at once. Verifies no PIN, signs nothing, decides nothing.

import { AgentError, asAgentError } from '../base/errors.ts';
import type { CardSlot } from '../pcsc/channel.ts';
import type { CardEvent, CardEventSource } from '../pcsc/events.ts';
import type { Token, TokenDriver, TokenSource } from './interface.ts';

/** What changed, for the audit log, the session program and diagnosis. */
export type TokenEvent =
  | { readonly kind: 'token-in'; readonly token: Token }
  | { readonly kind: 'token-out'; readonly token: Token }
  /** A card that no driver knows. */
  | { readonly kind: 'card-unknown'; readonly reader: string; readonly atr: Buffer }
  /** A card that is mute, or that a driver knows but cannot read. */
  | { readonly kind: 'card-broken'; readonly reader: string; readonly error: AgentError }
  | { readonly kind: 'service'; readonly up: boolean };

/** First wait before a card that another program holds is tried again; doubles. */
const FIRST_BUSY_RETRY_MS = 250;
const LAST_BUSY_RETRY_MS = 8000;

/** The card in one reader. */
interface Entry {
  readonly slot: CardSlot;
  token: Token | null;
  /** Read with an error: looked at again when somebody asks for tokens. */
  broken: boolean;
  /** Settles when the look at the card is over; null when none is under way. */
  probing: Promise<void> | null;
}

export class TokenRegistry implements TokenSource {
  readonly #source: CardEventSource;
  readonly #drivers: readonly TokenDriver[];
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  readonly #unsubscribe: () => void;
  /** Why there is no service; null while there is one. */
  #serviceError: AgentError | null = new AgentError('no-service', {
    detail: 'the readers were not looked at yet',
  });
  #closing = new AbortController();

  /** Subscribes to `source`, which is started after this. Drivers are asked in the order given. */
  constructor(source: CardEventSource, drivers: readonly TokenDriver[]) {
    this.#source = source;
    this.#drivers = drivers;
    this.#unsubscribe = source.subscribe((event) => {
      this.#onCard(event);
    });
  }

  async present(waitMs: number): Promise<readonly Token[]> {
    if (this.#serviceError === null && this.#settled()) return this.#tokens();
    const ready = async (): Promise<void> => {
      await this.#source.poke();
      for (const entry of this.#entries.values()) if (entry.broken) this.#startProbe(entry);
      // A card that comes in meanwhile is waited for too.
      for (let probing = this.#probing(); probing.length > 0; probing = this.#probing())
        await Promise.all(probing);
    };
    const timeUp = new AbortController();
    await Promise.race([ready(), delay(waitMs, timeUp.signal)]);
    timeUp.abort();
    if (this.#serviceError !== null) throw this.#serviceError;
    return this.#tokens();
  }

  /** Nothing is being looked at, and nothing needs another look. */
  #settled(): boolean {
    return [...this.#entries.values()].every(({ broken, probing }) => !broken && probing === null);
  }

  #tokens(): Token[] {
    return [...this.#entries.values()].flatMap(({ token }) => (token === null ? [] : [token]));
  }

  /** @returns the end of the subscription */
  onChange(listener: (event: TokenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops listening and retrying. Tokens that were handed out go on working. */
  close(): void {
    this.#unsubscribe();
    this.#closing.abort();
    this.#entries.clear();
  }

  #probing(): Promise<void>[] {
    return [...this.#entries.values()].flatMap(({ probing }) => (probing === null ? [] : [probing]));
  }

  #onCard(event: CardEvent): void {
    switch (event.kind) {
      case 'card-in': {
        this.#takeOut(event.slot.reader);
        const entry: Entry = { slot: event.slot, token: null, broken: false, probing: null };
        this.#entries.set(event.slot.reader, entry);
        this.#startProbe(entry);
        return;
      }
      case 'card-mute': {
        this.#takeOut(event.reader);
        const error = new AgentError('card-fault', { detail: 'the card does not answer to a reset' });
        this.#tell({ kind: 'card-broken', reader: event.reader, error });
        return;
      }
      case 'card-out':
        this.#takeOut(event.reader);
        return;
      case 'service':
        if (event.up !== (this.#serviceError === null)) this.#tell({ kind: 'service', up: event.up });
        this.#serviceError = event.up ? null : event.error;
        return;
    }
  }

  #takeOut(reader: string): void {
    const token = this.#entries.get(reader)?.token;
    this.#entries.delete(reader);
    if (token !== null && token !== undefined) this.#tell({ kind: 'token-out', token });
  }

  #startProbe(entry: Entry): void {
    if (entry.probing !== null) return;
    entry.broken = false;
    entry.probing = this.#probe(entry).finally(() => {
      entry.probing = null;
    });
  }

  /** Looks at a card until it is known, broken or gone. Never rejects. */
  async #probe(entry: Entry): Promise<void> {
    const { slot } = entry;
    let retryMs = FIRST_BUSY_RETRY_MS;
    for (let resets = 0; this.#isIn(entry);) {
      try {
        const token = await this.#askDrivers(slot);
        if (!this.#isIn(entry)) return;
        entry.token = token;
        if (token !== null) this.#tell({ kind: 'token-in', token });
        else this.#tell({ kind: 'card-unknown', reader: slot.reader, atr: slot.atr });
        return;
      } catch (thrown) {
        const error = asAgentError(thrown);
        if (error.code === 'card-busy') {
          await delay(retryMs, this.#closing.signal);
          retryMs = Math.min(retryMs * 2, LAST_BUSY_RETRY_MS);
          continue;
        }
        if (error.code === 'card-reset' && resets++ === 0) continue;
        if (!this.#isIn(entry)) return;
        entry.broken = true;
        this.#tell({ kind: 'card-broken', reader: slot.reader, error });
        return;
      }
    }
  }

  /** Opens one transaction and asks the drivers in order. @throws AgentError as CardSlot.open and TokenDriver.probe */
  async #askDrivers(slot: CardSlot): Promise<Token | null> {
    const channel = await slot.open();
    try {
      for (const driver of this.#drivers) {
        const token = await driver.probe(channel, slot);
        if (token !== null) return token;
      }
      return null;
    } finally {
      await channel.close('leave');
    }
  }

  #isIn(entry: Entry): boolean {
    return !this.#closing.signal.aborted && this.#entries.get(entry.slot.reader) === entry;
  }

  #tell(event: TokenEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** Waits `ms`, or until `signal` says to stop. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
