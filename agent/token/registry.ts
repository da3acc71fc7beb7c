// The tokens that are in: hears of cards, asks the drivers in order whose card it is, keeps what they read.
// Several readers at once. Verifies no PIN, signs nothing, decides nothing.

import { debug } from '../base/debug.ts';
import { AgentError, asAgentError, describeError } from '../base/errors.ts';
import type { CardChannel, CardSlot } from '../pcsc/channel.ts';
import type { CardEvent, CardEventSource } from '../pcsc/events.ts';
import { delay } from './delay.ts';
import type { SlotDriver, Token, TokenDriver, TokenSource } from './interface.ts';
import { StandingTokens } from './standing.ts';

/** What changed, for the audit log, the session program and diagnosis. */
export type TokenEvent =
  | { readonly kind: 'token-in'; readonly token: Token }
  /** `removed`: the card was taken out, as far as pcscd says; false: pcscd or its driver is gone, and it may be in still. */
  | { readonly kind: 'token-out'; readonly token: Token; readonly removed: boolean }
  /** A card that no driver knows. */
  | { readonly kind: 'card-unknown'; readonly reader: string; readonly atr: Buffer }
  /** A card that is mute, or that a driver knows but cannot read. */
  | { readonly kind: 'card-broken'; readonly reader: string; readonly error: AgentError }
  | { readonly kind: 'service'; readonly up: boolean };

/** First wait before a card that another program holds is tried again; doubles. */
const FIRST_BUSY_RETRY_MS = 250;
const LAST_BUSY_RETRY_MS = 8000;
/** The same for a card whose driver failed. */
const FIRST_FAULT_RETRY_MS = 1000;
const LAST_FAULT_RETRY_MS = 60_000;

/** The card in one reader. */
interface Entry {
  readonly slot: CardSlot;
  /** A card with several applications may be several tokens of one driver. */
  tokens: readonly Token[];
  /** Read with an error: looked at again when somebody asks for tokens. */
  broken: boolean;
  /** Settles when the look at the card is over; null when none is under way. */
  probing: Promise<void> | null;
  /** Drivers that failed with this card, in a row. */
  faults: number;
}

export class TokenRegistry implements TokenSource {
  readonly #source: CardEventSource;
  readonly #drivers: readonly (TokenDriver | SlotDriver)[];
  readonly #standing: StandingTokens;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(event: TokenEvent) => void>();
  readonly #unsubscribe: () => void;
  /** Why there is no service; null while there is one. */
  #serviceError: AgentError | null = new AgentError('no-service', {
    detail: 'the readers were not looked at yet',
  });
  #closing = new AbortController();

  /** Subscribes to `source`, which is started after this. Drivers are asked in the order given. */
  constructor(source: CardEventSource, drivers: readonly (TokenDriver | SlotDriver)[]) {
    this.#source = source;
    this.#drivers = drivers;
    const slotDrivers = drivers.filter((driver) => 'tokensIn' in driver);
    this.#standing = new StandingTokens(slotDrivers, (event) => {
      this.#tell(event);
    });
    for (const driver of drivers) {
      driver.onLost?.((tokens) => {
        this.#onLost(driver, tokens);
      });
    }
    this.#unsubscribe = source.subscribe((event) => {
      this.#onCard(event);
    });
  }

  /** Looks for the tokens that are in no reader. Called once, when somebody listens. */
  start(): void {
    this.#standing.look();
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
    const tokens = this.#tokens();
    if (this.#serviceError !== null && tokens.length === 0) throw this.#serviceError;
    return tokens;
  }

  /** Nothing is being looked at, and nothing needs another look. */
  #settled(): boolean {
    const entries = [...this.#entries.values()];
    return (
      this.#standing.looking === null && entries.every(({ broken, probing }) => !broken && probing === null)
    );
  }

  #tokens(): Token[] {
    return [...[...this.#entries.values()].flatMap(({ tokens }) => tokens), ...this.#standing.tokens];
  }

  /** @returns the end of the subscription */
  onChange(listener: (event: TokenEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops listening and retrying, and ends the processes of drivers. Tokens of the others go on working. */
  close(): void {
    this.#unsubscribe();
    this.#closing.abort();
    this.#entries.clear();
    this.#standing.close();
    for (const driver of this.#drivers) if ('tokensIn' in driver) driver.close();
  }

  #probing(): Promise<void>[] {
    const looks = [...this.#entries.values()].map(({ probing }) => probing);
    return [...looks, this.#standing.looking].filter((look) => look !== null);
  }

  #onCard(event: CardEvent): void {
    switch (event.kind) {
      case 'card-in': {
        this.#takeOut(event.slot.reader);
        const entry: Entry = { slot: event.slot, tokens: [], broken: false, probing: null, faults: 0 };
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
        this.#takeOut(event.reader, event.removed);
        return;
      case 'service':
        if (event.up !== (this.#serviceError === null)) this.#tell({ kind: 'service', up: event.up });
        this.#serviceError = event.up ? null : event.error;
        return;
    }
  }

  #takeOut(reader: string, removed = true): void {
    const entry = this.#entries.get(reader);
    if (entry === undefined) return;
    this.#entries.delete(reader);
    for (const token of entry.tokens) this.#tell({ kind: 'token-out', token, removed });
    for (const driver of this.#drivers) if ('tokensIn' in driver) driver.gone(entry.slot);
  }

  /** A driver's process ended with tokens of its: what is still in is looked at again. */
  #onLost(driver: TokenDriver | SlotDriver, lost: readonly Token[]): void {
    for (const entry of this.#entries.values()) {
      const mine = entry.tokens.filter((token) => lost.includes(token));
      if (mine.length === 0) continue;
      entry.tokens = entry.tokens.filter((token) => !mine.includes(token));
      for (const token of mine) this.#tell({ kind: 'token-out', token, removed: false });
      this.#retryFault(entry);
    }
    if ('standing' in driver) this.#standing.lose(driver, lost);
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
        const tokens = await this.#askDrivers(slot);
        if (!this.#isIn(entry)) return;
        entry.tokens = tokens;
        entry.faults = 0;
        for (const token of tokens) this.#tell({ kind: 'token-in', token });
        if (tokens.length === 0) this.#tell({ kind: 'card-unknown', reader: slot.reader, atr: slot.atr });
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
        this.#tell({ kind: 'card-broken', reader: slot.reader, error });
        if (isFault(error)) this.#retryFault(entry);
        else entry.broken = true;
        return;
      }
    }
  }

  /** The card is not to blame: it is looked at again by itself, and at once when somebody asks for tokens. */
  #retryFault(entry: Entry): void {
    entry.broken = true;
    const waitMs = Math.min(FIRST_FAULT_RETRY_MS * 2 ** entry.faults++, LAST_FAULT_RETRY_MS);
    void delay(waitMs, this.#closing.signal).then(() => {
      if (entry.broken && this.#isIn(entry)) this.#startProbe(entry);
    });
  }

  /**
   * Asks the drivers in order; the first that has the card has it alone. One that fails is passed over.
   * @throws AgentError as CardSlot.open and TokenDriver.probe; a fault where one has it and no other knows the card
   */
  async #askDrivers(slot: CardSlot): Promise<readonly Token[]> {
    const session = new OpenOnDemand(slot);
    let fault: AgentError | null = null;
    try {
      for (const driver of this.#drivers) {
        try {
          const tokens = await ask(driver, session);
          debug(
            'token',
            () => `${slot.reader}: ${driver.id}: ${tokens.map(({ id }) => id).join(' ') || 'not mine'}`,
          );
          if (tokens.length > 0) return tokens;
        } catch (error) {
          debug('token', () => `${slot.reader}: ${driver.id}: ${describeError(error)}`);
          if (!(error instanceof AgentError) || !isFault(error)) throw error;
          fault ??= error;
        }
      }
    } finally {
      await session.close();
    }
    if (fault !== null) throw fault;
    return [];
  }

  #isIn(entry: Entry): boolean {
    return !this.#closing.signal.aborted && this.#entries.get(entry.slot.reader) === entry;
  }

  #tell(event: TokenEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** Of a driver, or of a library below it: it says nothing of the card. */
function isFault({ code }: AgentError): boolean {
  return code === 'driver-fault' || code === 'module-fault';
}

/** One transaction for all drivers that want one; closed where a driver talks to the card by itself. */
class OpenOnDemand {
  readonly slot: CardSlot;
  #channel: CardChannel | null = null;

  constructor(slot: CardSlot) {
    this.slot = slot;
  }

  async open(): Promise<CardChannel> {
    this.#channel ??= await this.slot.open();
    return this.#channel;
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = null;
    await channel?.close('leave');
  }
}

async function ask(driver: TokenDriver | SlotDriver, session: OpenOnDemand): Promise<readonly Token[]> {
  if ('tokensIn' in driver) {
    await session.close();
    return driver.tokensIn(session.slot);
  }
  const token = await driver.probe(await session.open(), session.slot);
  return token === null ? [] : [token];
}
