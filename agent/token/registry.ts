// The tokens that are in: hears of cards, asks the drivers in order whose card it is, keeps what they read.
// Several readers at once. Verifies no PIN, signs nothing, decides nothing.

import { debug } from '../base/debug.ts';
import { AgentError, asAgentError, describeError } from '../base/errors.ts';
import type { Pin } from '../base/pin.ts';
import type { CardChannel, CardSlot } from '../pcsc/channel.ts';
import type { CardEvent, CardEventSource } from '../pcsc/events.ts';
import { delay } from './delay.ts';
import type { Enough, SlotDriver, Token, TokenDriver, TokenSource } from './interface.ts';
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
/** The same for a card whose driver failed, or that is mute. */
const FIRST_FAULT_RETRY_MS = 1000;
const LAST_FAULT_RETRY_MS = 60_000;
/** Other programs look at a card that was put in as we do: only one that holds it for longer is told of. */
const HELD_MS = 1000;
/** A card that could not be had before has so long to be free again for whoever asks. */
const GLANCE_MS = 30;
/** A card without a key for logins is looked at again when somebody lists keys, and not more often than this. */
const LOOK_AGAIN_MS = 2000;

/** The card in one reader. */
interface Entry {
  readonly slot: CardSlot;
  /** A card with several applications may be several tokens of one driver. */
  tokens: readonly Token[];
  /** Why it could not be read; null as long as it was, or is looked at for the first time. */
  error: AgentError | null;
  /** Settles when the look at the card is over; null when none is under way. */
  probing: Promise<void> | null;
  /** The look has the card in its hands. */
  inHand: boolean;
  /** When it was read the last time; null: it never was. */
  readAtMs: number | null;
  /** Looks in a row that failed and were made again by themselves. */
  retries: number;
}

function isMute({ error }: Entry): boolean {
  return error?.code === 'card-timeout';
}

function isHeld({ error }: Entry): boolean {
  return error?.code === 'card-busy';
}

export class TokenRegistry implements TokenSource {
  readonly #source: CardEventSource;
  readonly #lookAgainMs: number;
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
  constructor(
    source: CardEventSource,
    drivers: readonly (TokenDriver | SlotDriver)[],
    lookAgainMs = LOOK_AGAIN_MS,
  ) {
    this.#source = source;
    this.#lookAgainMs = lookAgainMs;
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

  async present(waitMs: number, enough: Enough = () => false): Promise<readonly Token[]> {
    const isReady = (): boolean => this.#serviceError === null && (this.#settled() || enough(this.#tokens()));
    if (isReady()) return this.#tokens();
    const timeUp = new AbortController();
    const ready = async (): Promise<void> => {
      await this.#source.poke();
      // A mute card would keep everybody waiting again.
      for (const entry of this.#entries.values())
        if (entry.error !== null && !isMute(entry)) this.#startProbe(entry);
      await Promise.race([Promise.all(this.#looks()), delay(GLANCE_MS, timeUp.signal)]);
      // A card that comes in meanwhile is waited for too.
      for (let looks = this.#worthwhile(); looks.length > 0 && !isReady(); looks = this.#worthwhile())
        await Promise.race(looks);
    };
    await Promise.race([ready(), delay(waitMs, timeUp.signal)]);
    timeUp.abort();
    const tokens = this.#tokens();
    if (this.#serviceError !== null && tokens.length === 0) throw this.#serviceError;
    return tokens;
  }

  async presentAnew(waitMs: number): Promise<readonly Token[]> {
    for (const entry of this.#entries.values())
      if (lacksKeys(entry) && performance.now() - (entry.readAtMs ?? Infinity) >= this.#lookAgainMs)
        this.#startProbe(entry);
    const timeUp = new AbortController();
    await Promise.race([Promise.all(this.#looks(lacksKeys)), delay(waitMs, timeUp.signal)]);
    timeUp.abort();
    return this.present(waitMs);
  }

  newToken(label: string, pin: Pin): Promise<void> {
    return this.#standing.make(label, pin);
  }

  async readAgain(token: Token, waitMs: number): Promise<void> {
    if (this.#standing.tokens.includes(token)) return this.#standing.lookAgain();
    const entry = this.#entries.get(token.slot.reader);
    if (entry?.tokens.includes(token) !== true) return;
    // One that began before the change has perhaps not seen it.
    await entry.probing;
    this.#startProbe(entry);
    const timeUp = new AbortController();
    await Promise.race([entry.probing, delay(waitMs, timeUp.signal)]);
    timeUp.abort();
  }

  unread(): AgentError | null {
    return [...this.#entries.values()].find((entry) => isHeld(entry) || isMute(entry))?.error ?? null;
  }

  /** Nothing is being looked at, and nothing needs another look. */
  #settled(): boolean {
    const entries = [...this.#entries.values()];
    return (
      this.#standing.looking === null &&
      entries.every((entry) => isMute(entry) || (entry.error === null && entry.probing === null))
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

  #looks(wanted: (entry: Entry) => boolean = () => true): Promise<void>[] {
    const looks = [...this.#entries.values()].filter(wanted).map(({ probing }) => probing);
    return [...looks, this.#standing.looking].filter((look) => look !== null);
  }

  /** Not those that would wait for other programs once more, or for a mute card. */
  #worthwhile(): Promise<void>[] {
    return this.#looks((entry) => !isMute(entry) && (!isHeld(entry) || entry.inHand));
  }

  #onCard(event: CardEvent): void {
    switch (event.kind) {
      case 'card-in': {
        this.#takeOut(event.slot.reader);
        const entry: Entry = {
          ...{ slot: event.slot, tokens: [], error: null, readAtMs: null },
          ...{ probing: null, inHand: false, retries: 0 },
        };
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
      entry.error = new AgentError('driver-fault', { detail: 'the process of its driver ended' });
      this.#again(entry, FIRST_FAULT_RETRY_MS, LAST_FAULT_RETRY_MS);
    }
    if ('standing' in driver) this.#standing.lose(driver, lost);
  }

  #startProbe(entry: Entry): void {
    if (entry.probing !== null) return;
    entry.probing = this.#probe(entry).finally(() => {
      entry.probing = null;
    });
  }

  /** Looks at a card until it is known, broken or gone. Never rejects. */
  async #probe(entry: Entry): Promise<void> {
    const { slot } = entry;
    const endMs = performance.now() + HELD_MS;
    for (let resets = 0; this.#isIn(entry);) {
      try {
        const tokens = await this.#askDrivers(entry);
        if (!this.#isIn(entry)) return;
        const { tokens: before, readAtMs, error } = entry;
        entry.tokens = tokens;
        entry.error = null;
        entry.retries = 0;
        entry.readAtMs = performance.now();
        // Another look that found nothing new is nobody's news.
        if (readAtMs !== null && error === null && keysOn(before) === keysOn(tokens)) return;
        for (const token of before) this.#tell({ kind: 'token-out', token, removed: false });
        for (const token of tokens) this.#tell({ kind: 'token-in', token });
        if (tokens.length === 0) this.#tell({ kind: 'card-unknown', reader: slot.reader, atr: slot.atr });
        return;
      } catch (thrown) {
        const error = asAgentError(thrown);
        if (error.code === 'card-busy' && entry.error === null && performance.now() < endMs) {
          await delay(FIRST_BUSY_RETRY_MS, this.#closing.signal);
          continue;
        }
        if (error.code === 'card-reset' && resets++ === 0) continue;
        if (!this.#isIn(entry)) return;
        this.#failed(entry, error);
        return;
      }
    }
  }

  /** Told once: what fails again in the same way is known. */
  #failed(entry: Entry, error: AgentError): void {
    const before = entry.error?.code;
    // The reader of a mute card is busy with our own call that does not return.
    if (before === 'card-timeout' && error.code === 'card-busy') {
      this.#again(entry, FIRST_FAULT_RETRY_MS, LAST_FAULT_RETRY_MS);
      return;
    }
    entry.error = error;
    if (error.code !== before) this.#tell({ kind: 'card-broken', reader: entry.slot.reader, error });
    if (error.code === 'card-busy') this.#again(entry, FIRST_BUSY_RETRY_MS, LAST_BUSY_RETRY_MS);
    else if (isFault(error) || error.code === 'card-timeout')
      this.#again(entry, FIRST_FAULT_RETRY_MS, LAST_FAULT_RETRY_MS);
  }

  /** The card is not to blame, or mute: it is looked at again by itself. */
  #again(entry: Entry, firstMs: number, lastMs: number): void {
    const waitMs = Math.min(firstMs * 2 ** entry.retries++, lastMs);
    void delay(waitMs, this.#closing.signal).then(() => {
      if (entry.error !== null && this.#isIn(entry)) this.#startProbe(entry);
    });
  }

  /**
   * Asks the drivers in order; the first that has the card has it alone. One that fails is passed over.
   * @throws AgentError as CardSlot.open and TokenDriver.probe; a fault where one has it and no other knows the card
   */
  async #askDrivers(entry: Entry): Promise<readonly Token[]> {
    const { slot } = entry;
    const session = new OpenOnDemand(slot, () => {
      entry.inHand = true;
    });
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
          if (!(error instanceof AgentError) || !isPassedOver(driver, error)) throw error;
          fault ??= error;
        }
      }
    } finally {
      entry.inHand = false;
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

/** Read, and nobody can log in with it: no driver knows it, or it has no key for that (yet). */
function lacksKeys({ error, tokens, readAtMs }: Entry): boolean {
  const keys = tokens.flatMap(({ identities }) => identities);
  return readAtMs !== null && error === null && !keys.some(({ use }) => use === 'authentication');
}

function keysOn(tokens: readonly Token[]): string {
  return tokens
    .map(({ id, identities }) => [id, ...identities.map(({ use, publicKey }) => `${use} ${publicKey.pkhh}`)])
    .join('\n');
}

/** A driver that talks to cards by itself may wait for ever, where another would have an answer. */
function isPassedOver(driver: TokenDriver | SlotDriver, error: AgentError): boolean {
  return isFault(error) || ('tokensIn' in driver && error.code === 'card-timeout');
}

/** Of a driver, or of a library below it: it says nothing of the card. */
function isFault({ code }: AgentError): boolean {
  return code === 'driver-fault' || code === 'module-fault';
}

/** One transaction for all drivers that want one; closed where a driver talks to the card by itself. */
class OpenOnDemand {
  readonly slot: CardSlot;
  readonly #opened: () => void;
  #channel: CardChannel | null = null;

  constructor(slot: CardSlot, opened: () => void) {
    this.slot = slot;
    this.#opened = opened;
  }

  async open(): Promise<CardChannel> {
    this.#channel ??= await this.slot.open();
    this.#opened();
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
