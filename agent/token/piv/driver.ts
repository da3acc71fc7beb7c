// The PIV driver: recognises a PIV card and turns it into a token. Probing is in probe.ts, the token in token.ts.
// Specification: SP 800-73-4.

import { productVersion } from '../../base/product-version.ts';
import { TryMemory } from '../../model/card/pin-tries.ts';
import type { CardChannel, CardSlot } from '../../pcsc/channel.ts';
import type { CardKeyCheck, Token, TokenDriver } from '../interface.ts';
import { probePiv } from './probe.ts';
import { PivToken, type CardMemory } from './token.ts';

const PIV_DRIVER_ID = 'org.scauth.piv';

export class PivDriver implements TokenDriver {
  readonly id = PIV_DRIVER_ID;
  readonly version = productVersion();
  readonly displayName = 'PIV (SP 800-73)';
  /** Survives an insertion, not the process. */
  readonly #memory: CardMemory;
  readonly #check: CardKeyCheck | null;

  /** @param check null: no card is asked to prove its own key */
  constructor(check: CardKeyCheck | null = null, tries = new TryMemory()) {
    this.#check = check;
    this.#memory = { deVerify: new Map(), tries };
  }

  async probe(channel: CardChannel, slot: CardSlot): Promise<Token | null> {
    const reading = await probePiv(channel, slot, this.id, this.#check);
    return reading === null ? null : new PivToken(reading, slot, this.id, this.#memory);
  }
}
