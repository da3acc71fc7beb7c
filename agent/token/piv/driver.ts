// The PIV driver: recognises a PIV card and turns it into a token. Probing is in probe.ts, the token in token.ts.
// Specification: SP 800-73-4.

import { productVersion } from '../../base/product-version.ts';
import type { CardChannel, CardSlot } from '../../pcsc/channel.ts';
import type { CardKeyCheck, Token, TokenDriver } from '../interface.ts';
import { probePiv } from './probe.ts';
import { PivToken, type DeVerifyRecord } from './token.ts';

export const PIV_DRIVER_ID = 'org.scauth.piv';

export class PivDriver implements TokenDriver {
  readonly id = PIV_DRIVER_ID;
  readonly version = productVersion();
  readonly displayName = 'PIV (SP 800-73)';
  /** What was learned of cards; survives an insertion, not the process. */
  readonly #deVerifyRecord: DeVerifyRecord = new Map();
  readonly #check: CardKeyCheck | null;

  /** @param check null: no card is asked to prove its own key */
  constructor(check: CardKeyCheck | null = null) {
    this.#check = check;
  }

  async probe(channel: CardChannel, slot: CardSlot): Promise<Token | null> {
    const reading = await probePiv(channel, slot, this.id, this.#check);
    return reading === null ? null : new PivToken(reading, slot, this.id, this.#deVerifyRecord);
  }
}
