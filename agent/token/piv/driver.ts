// The PIV driver: recognises a PIV card and turns it into a token. Probing is in probe.ts, the token in token.ts.
// Specification: SP 800-73-4.

import { statSync } from 'node:fs';
import type { DriverInfo } from '../../model/inventory.ts';
import type { CardChannel, CardSlot } from '../../pcsc/channel.ts';
import type { Token, TokenDriver } from '../interface.ts';
import { probePiv } from './probe.ts';
import { PivToken, type DeVerifyRecord } from './token.ts';

export const PIV_DRIVER_ID = 'org.scauth.piv';

export class PivDriver implements TokenDriver {
  readonly id = PIV_DRIVER_ID;
  readonly version = '0.1.0';
  readonly displayName = 'PIV (SP 800-73)';
  /** What was learned of cards by token id; survives an insertion, not the process. */
  readonly #deVerifyRecord: DeVerifyRecord = new Map();

  info(): DriverInfo {
    const path = import.meta.dirname;
    return {
      id: this.id,
      version: this.version,
      displayName: this.displayName,
      shortName: 'piv',
      parent: null,
      uuid: 'D1D6EA5C-9C41-4C2B-8F0C-6B0A3C1B7E52',
      path,
      timestampMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null,
      interfaceVersion: 1,
      state: 'ready',
      error: null,
      builtIn: true,
    };
  }

  async probe(channel: CardChannel, slot: CardSlot): Promise<Token | null> {
    const reading = await probePiv(channel, slot, this.id);
    return reading === null ? null : new PivToken(reading, slot, this.id, this.#deVerifyRecord);
  }
}
