// A token source over software cards in this process.

import type { ReaderInfo } from '../../../../agent/model/inventory.ts';
import type { Token, TokenSource } from '../../../../agent/token/interface.ts';
import type { CardOptions } from '../../../kit/card/profile.ts';
import { probe, SoftwareSlot } from './card-slot.ts';

/** The readers of a machine, each with a software card. */
export class Readers implements TokenSource {
  readonly slots: SoftwareSlot[];
  #tokens: Token[] = [];

  private constructor(slots: SoftwareSlot[]) {
    this.slots = slots;
  }

  static async with(...cards: readonly CardOptions[]): Promise<Readers> {
    const readers = new Readers(cards.map((options) => new SoftwareSlot(options)));
    await readers.readAgain();
    return readers;
  }

  get slot(): SoftwareSlot {
    const [slot] = this.slots;
    if (slot === undefined) throw new Error('no card');
    return slot;
  }

  /** As the list of readers has them. */
  shown(): readonly ReaderInfo[] {
    return this.#tokens.map(({ id, slot: { reader: name, atr } }) => ({
      ...{ name, state: 'ready' as const, atr, tokenId: id, error: null },
    }));
  }

  present(): Promise<readonly Token[]> {
    return Promise.resolve(this.#tokens);
  }

  async readAgain(): Promise<void> {
    const tokens = await Promise.all(this.slots.map((slot) => probe(slot)));
    this.#tokens = tokens.filter((token) => token !== null);
  }
}
