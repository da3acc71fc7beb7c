// What is in each reader now, for people: the watcher names readers and cards, the registry says what became of them.
// It opens no card and keeps no token alive: it remembers the last word on each reader.

import { AgentError } from '../base/errors.ts';
import type { ReaderInfo } from '../model/inventory.ts';
import type { CardEvent, CardEventSource } from '../pcsc/events.ts';
import type { TokenEvent } from './registry.ts';

type Content = Omit<ReaderInfo, 'name'>;

const EMPTY: Content = { state: 'empty', atr: null, tokenId: null, error: null };

export class ReaderReport {
  readonly #names: () => readonly string[];
  readonly #contents = new Map<string, Content>();

  /**
   * @param source with the names of all readers, the empty ones too
   * @param registry subscribed to `source` before this
   */
  constructor(
    source: CardEventSource & { readonly readerNames: readonly string[] },
    registry: { onChange(listener: (event: TokenEvent) => void): unknown },
  ) {
    this.#names = () => source.readerNames;
    source.subscribe((event) => {
      this.#onCard(event);
    });
    registry.onChange((event) => {
      this.#onToken(event);
    });
  }

  readers(): ReaderInfo[] {
    return this.#names().map((name) => ({ name, ...(this.#contents.get(name) ?? EMPTY) }));
  }

  #onCard(event: CardEvent): void {
    switch (event.kind) {
      case 'card-in':
        this.#contents.set(event.slot.reader, { ...EMPTY, state: 'reading', atr: event.slot.atr });
        return;
      case 'card-mute':
        this.#contents.set(event.reader, { ...EMPTY, state: 'mute' });
        return;
      case 'card-out':
        this.#contents.delete(event.reader);
        return;
      case 'service':
        if (!event.up) this.#contents.clear();
        return;
    }
  }

  #onToken(event: TokenEvent): void {
    switch (event.kind) {
      case 'token-in': {
        const { id, slot } = event.token;
        this.#update(slot.reader, { state: 'ready', tokenId: id, error: null });
        return;
      }
      case 'card-unknown':
        this.#update(event.reader, { state: 'unknown', error: null });
        return;
      case 'card-broken':
        // A mute card is said to be broken by the registry too.
        if (this.#contents.get(event.reader)?.state === 'mute') return;
        this.#update(event.reader, { state: 'broken', error: asBroken(event.error) });
        return;
      case 'token-out':
      case 'service':
        return;
    }
  }

  #update(reader: string, change: Partial<Content>): void {
    const content = this.#contents.get(reader);
    if (content !== undefined) this.#contents.set(reader, { ...content, ...change });
  }
}

/** The code and the sentence are for people; the cause stays in the log. */
function asBroken(error: AgentError): AgentError {
  return new AgentError(error.code, { detail: error.detail });
}
