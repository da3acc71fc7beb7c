// Watches readers and cards, and tells insertions, removals and whether pcscd can be reached. Survives a pcscd that is
// absent, killed and restarted at any time. Opens no card. Specification: SCardGetStatusChange in winscard.h.

import { AgentError, asAgentError } from '../base/errors.ts';
import * as C from './constants.ts';
import { checkReturn } from './errors.ts';
import type { CardEvent, CardEventSource } from './events.ts';
import type { ReaderState } from './library.ts';
import { ReaderTable } from './reader-table.ts';
import type { Winscard } from './winscard.ts';

/** A reader that was added between listing and waiting is seen after this at the latest. */
const WAIT_MS = 60_000;
/** After a change such a gap is likelier: more comes with it (a hub, two readers, a card already in). */
const WAIT_AFTER_CHANGE_MS = 1000;
/** With more readers than one call takes, those of the further calls are looked at so often. */
const WAIT_BETWEEN_CALLS_MS = 250;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 2000;
/** SCardCancel is lost on a call that has not begun to wait: it is said again. */
const CANCEL_AGAIN_MS = 50;

/**
 * The readers, as many a call as SCardGetStatusChange takes. The first is the one that waits: with the pseudo reader that
 * tells of added ones, unless the readers fill it. pcscd as it is built has no place for another one then.
 */
function callsFor(states: readonly ReaderState[]): [ReaderState[], ...ReaderState[][]] {
  const plugged = { name: C.PNP_NOTIFICATION, currentState: C.SCARD_STATE_UNAWARE };
  const own = states.length === C.MAX_READERS_A_CALL ? C.MAX_READERS_A_CALL : C.MAX_READERS_A_CALL - 1;
  const first = states.slice(0, own);
  const others: ReaderState[][] = [];
  for (let from = own; from < states.length; from += C.MAX_READERS_A_CALL)
    others.push(states.slice(from, from + C.MAX_READERS_A_CALL));
  return [own === C.MAX_READERS_A_CALL ? first : [plugged, ...first], ...others];
}

/** A pcscd that was built for more readers does not say to a full call that one was added. */
function longestWaitMs(readers: number): number {
  if (readers > C.MAX_READERS_A_CALL) return WAIT_BETWEEN_CALLS_MS;
  return readers === C.MAX_READERS_A_CALL ? WAIT_AFTER_CHANGE_MS : WAIT_MS;
}

export class CardWatcher implements CardEventSource {
  readonly #winscard: Winscard;
  readonly #table: ReaderTable;
  readonly #listeners = new Set<(event: CardEvent) => void>();
  #context: number | null = null;
  #running: Promise<void> | null = null;
  #stopping = false;
  /** null before the first look. */
  #up: boolean | null = null;
  /** Whoever waits for the next look to be over. */
  #looked: (() => void)[] = [];
  #wake: (() => void) | null = null;

  constructor(winscard: Winscard) {
    this.#winscard = winscard;
    this.#table = new ReaderTable(winscard);
  }

  /** Every reader that pcscd has now, also the empty ones. Not safe to print. */
  get readerNames(): readonly string[] {
    return this.#table.names();
  }

  subscribe(listener: (event: CardEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins to watch. Safe to call twice. */
  start(): void {
    this.#running ??= this.#run();
  }

  async poke(): Promise<void> {
    if (this.#up === true || this.#running === null || this.#stopping) return;
    await new Promise<void>((resolve) => {
      this.#looked.push(resolve);
      this.#wake?.();
    });
  }

  /** Ends the watch; afterwards no native call of it is pending. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    const running = this.#running;
    if (running === null) return;
    const cancel = (): void => {
      if (this.#context !== null) void this.#winscard.library.cancel(this.#context).catch(() => 0);
    };
    cancel();
    const again = setInterval(cancel, CANCEL_AGAIN_MS);
    await running.finally(() => {
      clearInterval(again);
    });
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#stopping) {
      let failure: AgentError;
      try {
        await this.#watch();
        break;
      } catch (error) {
        failure = asAgentError(error);
      }
      if (this.#up === true) retryMs = FIRST_RETRY_MS;
      this.#tellAll(this.#table.clear());
      this.#up = false;
      const code = failure.code === 'not-authorised' ? 'not-authorised' : 'no-service';
      this.#tell({
        kind: 'service',
        up: false,
        error: new AgentError(code, { detail: failure.detail, cause: failure }),
      });
      this.#settleLooked();
      await this.#sleep(retryMs);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
    this.#settleLooked();
  }

  /** One life of a context: returns when stopped. @throws AgentError when pcscd is not there (any more) */
  async #watch(): Promise<void> {
    const { library } = this.#winscard;
    const { rv, context } = await library.establishContext();
    checkReturn('SCardEstablishContext', rv);
    this.#context = context;
    try {
      for (let waitMs = 0; !this.#isStopping();) {
        const changed = await this.#look(context, waitMs);
        if (this.#up !== true) {
          this.#up = true;
          this.#tell({ kind: 'service', up: true });
        }
        this.#tellAll(changed);
        this.#settleLooked();
        waitMs = waitMs === 0 || changed.length > 0 ? WAIT_AFTER_CHANGE_MS : WAIT_MS;
      }
    } finally {
      this.#context = null;
      await library.releaseContext(context).catch(() => undefined);
    }
  }

  /** Lists the readers and waits for a change in them, at most `waitMs`. */
  async #look(context: number, waitMs: number): Promise<CardEvent[]> {
    const { library } = this.#winscard;
    const listed = await library.listReaders(context);
    if (listed.rv !== C.SCARD_E_NO_READERS_AVAILABLE) checkReturn('SCardListReaders', listed.rv);
    const events = this.#table.keepOnly(listed.readers);
    const [last, ...others] = callsFor(this.#table.states());
    // A call waits for its own readers alone. Only the last waits, and not for long where others were looked at before.
    let mayWaitMs = Math.min(waitMs, longestWaitMs(listed.readers.length));
    for (const states of others) {
      events.push(...(await this.#lookAt(context, 0, states)));
    }
    if (events.length > 0) mayWaitMs = 0;
    return [...events, ...(await this.#lookAt(context, mayWaitMs, last))];
  }

  async #lookAt(context: number, waitMs: number, states: readonly ReaderState[]): Promise<CardEvent[]> {
    const { rv, events } = await this.#winscard.library.getStatusChange(context, waitMs, states);
    switch (rv) {
      case C.SCARD_S_SUCCESS:
      case C.SCARD_E_UNKNOWN_READER: // a reader went between the two calls: the next listing tells
        return this.#table.update(events);
      case C.SCARD_E_TIMEOUT:
      case C.SCARD_E_CANCELLED:
        return [];
      default:
        checkReturn('SCardGetStatusChange', rv);
        return [];
    }
  }

  #isStopping(): boolean {
    return this.#stopping;
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#stopping || this.#looked.length > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  #settleLooked(): void {
    const looked = this.#looked;
    this.#looked = [];
    for (const resolve of looked) resolve();
  }

  #tellAll(events: readonly CardEvent[]): void {
    for (const event of events) this.#tell(event);
  }

  #tell(event: CardEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
