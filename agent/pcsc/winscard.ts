// Card slots on the real pcscd: opens a transaction with deadlines, and survives a pcscd that restarts.
// Knows no APDU. The transaction itself is in transaction.ts. Specification: winscard.h of pcsc-lite.

import { AgentError } from '../base/errors.ts';
import { saysExtendedLength } from './atr.ts';
import type { CardChannel, CardSlot } from './channel.ts';
import * as C from './constants.ts';
import { ContextPool } from './context-pool.ts';
import { withDeadline, type Outcome } from './deadline.ts';
import { isContextLost, pcscError } from './errors.ts';
import { loadWinscard, type WinscardLibrary } from './library.ts';
import { usablePad } from './pin-pad.ts';
import { askFeatures, knownExtendedLength, type ReaderFeatures } from './reader-features.ts';
import { ReaderQueue } from './reader-queue.ts';
import { failureAt } from './removed.ts';
import { Transaction } from './transaction.ts';

export interface WinscardOptions {
  /** For queue, connection and transaction together. Default 5000. */
  readonly openTimeoutMs?: number;
  /** For one APDU. Default 10000: an RSA-4096 signature on a slow card takes a few seconds. */
  readonly transmitTimeoutMs?: number;
  /** `auto`: where both the ATR and the reader say so, or the reader is known to. */
  readonly extendedLength?: 'auto' | 'always' | 'never';
  /** Readers whose PIN pad is not used: USB ids, or text in their names. */
  readonly pinPadDenied?: () => readonly string[];
}

/** How often a transaction is begun again because another program reset the card on leaving it. */
const MAX_RESETS_AT_OPEN = 3;

interface Connection {
  readonly context: number;
  readonly card: number;
  readonly protocol: number;
}

/** All readers of this process. */
export class Winscard {
  readonly library: WinscardLibrary;
  readonly #contexts: ContextPool;
  readonly #queues = new Map<string, ReaderQueue>();
  /** What each reader said when it was first asked; pcscd's names hold the model. */
  readonly #features = new Map<string, ReaderFeatures>();
  readonly #openTimeoutMs: number;
  readonly #transmitTimeoutMs: number;
  readonly #extendedLength: 'auto' | 'always' | 'never';
  readonly #pinPadDenied: () => readonly string[];

  /** @throws AgentError `no-service` where libpcsclite is not installed */
  constructor(options: WinscardOptions = {}, library: WinscardLibrary = loadWinscard()) {
    this.library = library;
    this.#contexts = new ContextPool(library);
    this.#openTimeoutMs = options.openTimeoutMs ?? 5000;
    this.#transmitTimeoutMs = options.transmitTimeoutMs ?? 10_000;
    this.#extendedLength = options.extendedLength ?? 'auto';
    this.#pinPadDenied = options.pinPadDenied ?? (() => []);
  }

  /** A slot for the card that is now in `reader`; the watcher ends it when that card goes. */
  slot(reader: string, atr: Buffer): WinscardSlot {
    return new WinscardSlot(reader, atr, (isOver) => this.#open(reader, atr, isOver));
  }

  /** Ends idle contexts. Open transactions end by themselves. */
  async close(): Promise<void> {
    await this.#contexts.close();
  }

  #queue(reader: string): ReaderQueue {
    const known = this.#queues.get(reader);
    if (known !== undefined) return known;
    const made = new ReaderQueue();
    this.#queues.set(reader, made);
    return made;
  }

  async #open(reader: string, atr: Buffer, isOver: () => boolean): Promise<CardChannel> {
    const endMs = performance.now() + this.#openTimeoutMs;
    const queue = this.#queue(reader);
    await queue.acquire(this.#openTimeoutMs);
    // From here the queue is released exactly once: by #within where a call fails or is late, or by the transaction.
    const connection = await this.#within(queue, endMs, this.#connect(reader, isOver), ({ context }) =>
      this.#contexts.drop(context),
    );
    const { context, card } = connection;
    await this.#within(
      queue,
      endMs,
      this.#begin(connection, reader, isOver),
      () => Promise.resolve(),
      () => {
        // libpcsclite asks every 100 ms and leaves the context free in between: releasing it ends the call.
        void this.#contexts.drop(context);
      },
    );
    const transaction = new Transaction({
      ...connection,
      reader,
      isOver,
      library: this.library,
      transmitTimeoutMs: this.#transmitTimeoutMs,
      pad: async () => {
        const features = await this.#featuresOf(reader, card, performance.now() + this.#openTimeoutMs);
        return usablePad(reader, features, this.#pinPadDenied());
      },
      markStuck: () => {
        queue.markStuck();
      },
      release: (usable) => {
        queue.release();
        return usable ? this.#contexts.give(context) : this.#contexts.drop(context);
      },
    });
    try {
      transaction.extendedLength = await this.#takesExtended(reader, atr, card, endMs);
    } catch (error) {
      await transaction.close('leave');
      throw error;
    }
    return transaction;
  }

  /**
   * Waits for a step of opening until `endMs`. Where it fails, the reader is free for the next; where it is late, it is
   * free once the step has come to its end, and `undo` has been done should it have succeeded.
   * @param endStep makes a late step return, where there is a way
   */
  async #within<T>(
    queue: ReaderQueue,
    endMs: number,
    step: Promise<T>,
    undo: (value: T) => Promise<void>,
    endStep: () => void = () => undefined,
  ): Promise<T> {
    let outcome: Outcome<T>;
    try {
      outcome = await withDeadline(step, endMs - performance.now());
    } catch (error) {
      queue.release();
      throw error;
    }
    if (!outcome.late) return outcome.value;
    // Not "stuck": pcscd 1.9 keeps SCardConnect waiting while another program has a transaction, and whoever asks next
    // may as well wait for the end of that.
    const free = (): void => {
      queue.release();
    };
    step.then(undo).then(free, free);
    endStep();
    throw new AgentError('card-busy', { detail: 'the card was not to be had before the deadline' });
  }

  /** Connects on an idle context; where that died with pcscd, once more on a new one. */
  async #connect(reader: string, isOver: () => boolean): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      const { context, fresh } = await this.#contexts.take();
      const { rv, card, protocol } = await this.library.connect(context, reader);
      if (rv === C.SCARD_S_SUCCESS) return { context, card, protocol };
      if (!isContextLost(rv)) {
        const failure = await failureAt(
          { library: this.library, context, reader, isOver },
          'SCardConnect',
          rv,
        );
        await this.#contexts.give(context);
        throw failure;
      }
      await this.#contexts.drop(context);
      await this.#contexts.dropIdle();
      if (fresh && attempt > 1) throw pcscError('SCardConnect', rv);
    }
  }

  /** Begins the transaction, or disconnects and throws. */
  async #begin({ context, card }: Connection, reader: string, isOver: () => boolean): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const rv = await this.library.beginTransaction(card);
      if (rv === C.SCARD_S_SUCCESS) return;
      if (rv === C.SCARD_W_RESET_CARD && attempt < MAX_RESETS_AT_OPEN) {
        await this.library.reconnect(card);
        continue;
      }
      const failure = await failureAt(
        { library: this.library, context, reader, isOver },
        'SCardBeginTransaction',
        rv,
      );
      await this.#contexts.drop(context);
      throw failure;
    }
  }

  async #takesExtended(reader: string, atr: Buffer, card: number, endMs: number): Promise<boolean> {
    if (this.#extendedLength !== 'auto') return this.#extendedLength === 'always';
    if (!saysExtendedLength(atr)) return false;
    return knownExtendedLength(reader) ?? (await this.#featuresOf(reader, card, endMs)).extendedLength;
  }

  async #featuresOf(reader: string, card: number, endMs: number): Promise<ReaderFeatures> {
    const known = this.#features.get(reader);
    if (known !== undefined) return known;
    const outcome = await withDeadline(askFeatures(this.library, card), endMs - performance.now());
    if (outcome.late) throw new AgentError('card-timeout', { detail: 'SCardControl is past its deadline' });
    this.#features.set(reader, outcome.value);
    return outcome.value;
  }
}

/** One card in one reader, from insertion to removal. */
export class WinscardSlot implements CardSlot {
  readonly reader: string;
  readonly atr: Buffer;
  readonly #open: (isOver: () => boolean) => Promise<CardChannel>;
  #ended = false;

  constructor(reader: string, atr: Buffer, open: (isOver: () => boolean) => Promise<CardChannel>) {
    this.reader = reader;
    this.atr = atr;
    this.#open = open;
  }

  /** The card is gone: what is in the reader from now on is another insertion. */
  end(): void {
    this.#ended = true;
  }

  async open(): Promise<CardChannel> {
    if (this.#ended) throw new AgentError('no-card', { detail: 'the card was taken out' });
    const channel = await this.#open(() => this.#ended);
    if (!this.#isEnded()) return channel;
    await channel.close('leave');
    throw new AgentError('no-card', { detail: 'the card was taken out while it was being opened' });
  }

  #isEnded(): boolean {
    return this.#ended;
  }
}
