// Readers of which a test says what happens at them.

import type { CardSlot } from '../../../agent/pcsc/channel.ts';
import type { CardEvent, CardEventSource } from '../../../agent/pcsc/events.ts';

export class FakeReaders implements CardEventSource {
  #listener: (event: CardEvent) => void = () => undefined;
  pokes = 0;

  subscribe(listener: (event: CardEvent) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => undefined;
    };
  }

  poke(): Promise<void> {
    this.pokes += 1;
    return Promise.resolve();
  }

  tell(event: CardEvent): void {
    this.#listener(event);
  }
}

/** A reader's card that nobody here talks to but the module. */
export function aloofSlot(reader: string): CardSlot {
  const channel = {
    extendedLength: false,
    transmit: () => Promise.reject(new Error('nobody asked')),
    close: () => Promise.resolve(true),
  };
  return { reader, atr: Buffer.from('3B00', 'hex'), open: () => Promise.resolve(channel) };
}
