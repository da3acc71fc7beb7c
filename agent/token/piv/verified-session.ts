// From VERIFY to an unverified card again: whatever happens in between, `release` leaves the card unverified, by
// de-verify where the card does that and by a reset where it does not. Knows no key and no challenge.
// Specification: SP 800-73-4 part 2, 3.2.1; the lesson of cards left verified (L7).

import type { Pin } from '../../base/pin.ts';
import type { CardChannel, PinPad } from '../../pcsc/channel.ts';
import type { CardLeft } from '../interface.ts';
import type { ApduExchange } from './apdu.ts';
import { deVerify, emptyVerify, padEntry, verify } from './commands.ts';
import type { DeVerifyAbility } from './probe.ts';
import {
  padResultOf,
  pinStatusOf,
  statusWordOf,
  SW_SUCCESS,
  verifyResultOf,
  type VerifyResult,
} from './status.ts';

export interface DeVerifyPlan {
  readonly ability: DeVerifyAbility;
  /** Ask the card afterwards whether it is unverified. */
  readonly confirm: boolean;
  /** Told what the confirmation found. */
  learned(ability: 'works' | 'absent'): void;
}

export class VerifiedSession {
  readonly exchange: ApduExchange;
  readonly #channel: CardChannel;
  readonly #pinReference: number;
  readonly #plan: DeVerifyPlan;

  /** Takes over an open channel with the application selected. */
  constructor(channel: CardChannel, exchange: ApduExchange, pinReference: number, plan: DeVerifyPlan) {
    this.#channel = channel;
    this.exchange = exchange;
    this.#pinReference = pinReference;
    this.#plan = plan;
  }

  /**
   * Sends the PIN and wipes it. When this throws the session is over and the card is not verified.
   * @throws AgentError `wrong-pin` (with triesLeft where the card says it), `pin-blocked`, `pin-malformed`, `card-fault`,
   * what the channel throws
   */
  async verify(pin: Pin): Promise<void> {
    await this.#settle(async () =>
      verifyResultOf(await pin.use((bytes) => verify(this.exchange, this.#pinReference, bytes))),
    );
  }

  /**
   * Lets the person type the PIN on the reader; otherwise as `verify`.
   * @throws AgentError as `verify`, and `cancelled`, `pin-timeout`; then no try is spent
   */
  async verifyOnPad(pad: PinPad, gone?: AbortSignal): Promise<void> {
    await this.#settle(async () => {
      // A pad that says "right" and has sent nothing must not find a card that another program left verified (L6).
      if (this.#plan.ability !== 'absent') await deVerify(this.exchange, this.#pinReference);
      return padResultOf(statusWordOf(await pad.verify(padEntry(this.#pinReference, pad), gone)));
    });
  }

  async #settle(send: () => Promise<VerifyResult>): Promise<void> {
    let result: VerifyResult;
    try {
      result = await send();
    } catch (error) {
      // The PIN may have reached the card, or not.
      await this.#channel.close('reset');
      throw error;
    }
    if (result.verified) return;
    // A wrong PIN leaves the card unverified (SP 800-73-4 part 2, 3.2.1); after any other word nothing is certain.
    const { code } = result.error;
    if (code === 'wrong-pin' || code === 'pin-blocked') await this.#channel.close('leave');
    else await this.release();
    throw result.error;
  }

  /** Ends the transaction with the card unverified. Never rejects. */
  async release(): Promise<CardLeft> {
    let unverified = false;
    try {
      unverified = this.#plan.ability !== 'absent' && (await this.#deVerify());
    } catch {
      unverified = false;
    }
    const done = await this.#channel.close(unverified ? 'leave' : 'reset');
    if (unverified) return this.#plan.confirm ? 'asked' : 'told';
    return done ? 'reset' : 'unknown';
  }

  /** The same by a reset, whatever the card says of itself. Never rejects. */
  async reset(): Promise<CardLeft> {
    return (await this.#channel.close('reset')) ? 'reset' : 'unknown';
  }

  async #deVerify(): Promise<boolean> {
    const claimed = (await deVerify(this.exchange, this.#pinReference)) === SW_SUCCESS;
    if (!claimed || !this.#plan.confirm) return claimed;
    // Only a card that says so counts as unverified: a word that says nothing is no confirmation.
    const done = typeof pinStatusOf(await emptyVerify(this.exchange, this.#pinReference)) === 'object';
    this.#plan.learned(done ? 'works' : 'absent');
    return done;
  }
}
