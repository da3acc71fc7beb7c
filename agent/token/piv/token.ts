// A PIV card that is in: reads its counter, verifies its PIN, signs a challenge. Each in one transaction that ends with
// the card unverified, on each path. Specification: SP 800-73-4 part 2, 3.2.

import { AgentError } from '../../base/errors.ts';
import type { Pin } from '../../base/pin.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { Identity, PinState, TokenId } from '../../model/token.ts';
import type { CardSlot } from '../../pcsc/channel.ts';
import type { ProofInHand, Token } from '../interface.ts';
import { ApduExchange } from './apdu.ts';
import { emptyVerify, generalAuthenticate, select } from './commands.ts';
import { CRYPTOGRAPHIC_MECHANISM, PIN_BLOCK_BYTES, PIN_MIN_BYTES, SLOTS } from './constants.ts';
import type { DeVerifyAbility, PivReading } from './probe.ts';
import { readSignature, signatureInput } from './sign.ts';
import { failure, pinStatusOf, SW_SUCCESS } from './status.ts';
import { VerifiedSession } from './verified-session.ts';

/** What was found out about cards' de-verify after a real VERIFY, by token id. */
export type DeVerifyRecord = Map<TokenId, DeVerifyAbility>;

export class PivToken implements Token {
  readonly id: TokenId;
  readonly driver: string;
  readonly label: string;
  readonly slot: CardSlot;
  readonly identities: readonly Identity[];
  /** What was broken on the card, for diagnosis. */
  readonly notes: readonly string[];
  readonly #reading: PivReading;
  readonly #record: DeVerifyRecord;
  #pinState: PinState;

  constructor(reading: PivReading, slot: CardSlot, driver: string, record: DeVerifyRecord = new Map()) {
    this.id = reading.id;
    this.driver = driver;
    this.label = reading.label;
    this.slot = slot;
    this.identities = reading.identities;
    this.notes = reading.notes;
    this.#reading = reading;
    this.#record = record;
    this.#pinState = reading.pinState;
  }

  get lastPinState(): PinState {
    return this.#pinState;
  }

  async pinState(): Promise<PinState> {
    const channel = await this.slot.open();
    try {
      const exchange = new ApduExchange(channel);
      await selectOrFail(exchange);
      const status = pinStatusOf(await emptyVerify(exchange, this.#reading.pinReference));
      this.#remember(typeof status === 'string' ? null : status.triesLeft);
    } finally {
      await channel.close('leave');
    }
    if (this.#pinState.triesLeft === 0) throw new AgentError('pin-blocked', { triesLeft: 0 });
    return this.#pinState;
  }

  acceptsPin(pin: Pin): boolean {
    if (pin.length < PIN_MIN_BYTES || pin.length > PIN_BLOCK_BYTES) return false;
    // SP 800-73-4 part 2, 2.4.3: digits. A YubiKey takes any bytes; we send what a keyboard can type.
    if (pin.isDigits || !this.#reading.yubiKey) return pin.isDigits;
    return pin.peek((bytes) => bytes.every((byte) => byte >= 0x20 && byte < 0x7f));
  }

  async prove(identity: Identity, challenge: Challenge, pin: Pin): Promise<ProofInHand> {
    try {
      const key = this.#loginKey(identity);
      const { scheme, bytes } = signatureInput(challenge, identity.publicKey.algorithm);
      // Pairing can afford the one APDU that finds out whether de-verify does what it says; each login uses it.
      const session = await this.#verify(pin, challenge.purpose === 'pairing');
      try {
        const mechanism = CRYPTOGRAPHIC_MECHANISM[identity.publicKey.algorithm];
        const { data, sw } = await generalAuthenticate(session.exchange, mechanism, key, bytes);
        if (sw !== SW_SUCCESS) throw failure('GENERAL AUTHENTICATE', sw);
        const proof = { scheme, signature: readSignature(data) };
        return { proof, released: session.release() };
      } catch (error) {
        await session.release();
        throw error;
      }
    } finally {
      pin.wipe();
    }
  }

  async verifyPin(pin: Pin): Promise<void> {
    try {
      const session = await this.#verify(pin, true);
      await session.release();
    } finally {
      pin.wipe();
    }
  }

  /** The key reference of an identity of ours that may log in. @throws AgentError `no-identity` */
  #loginKey(identity: Identity): number {
    const own = this.identities.includes(identity) && identity.use === 'authentication';
    const slot = own ? SLOTS.find(({ name }) => name === identity.slot) : undefined;
    if (slot === undefined)
      throw new AgentError('no-identity', { detail: `${identity.slot} is no key for login` });
    return slot.keyReference;
  }

  async #verify(pin: Pin, confirm: boolean): Promise<VerifiedSession> {
    if (!this.acceptsPin(pin))
      throw new AgentError('pin-malformed', { detail: 'cannot be a PIN of this card' });
    const channel = await this.slot.open();
    const exchange = new ApduExchange(channel);
    try {
      await selectOrFail(exchange);
    } catch (error) {
      await channel.close('leave');
      throw error;
    }
    const ability = this.#record.get(this.id) ?? this.#reading.deVerify;
    const session = new VerifiedSession(channel, exchange, this.#reading.pinReference, {
      ability,
      confirm: ability === 'unknown' || (confirm && !this.#record.has(this.id)),
      learned: (found) => this.#record.set(this.id, found),
    });
    try {
      await session.verify(pin);
    } catch (error) {
      if (error instanceof AgentError && error.triesLeft !== undefined) this.#remember(error.triesLeft);
      throw error;
    }
    // A right PIN restores the counter; without a total we do not know to what.
    this.#remember(this.#pinState.triesTotal);
    return session;
  }

  #remember(triesLeft: number | null): void {
    this.#pinState = { triesLeft, triesTotal: this.#pinState.triesTotal };
  }
}

/** @throws AgentError `card-fault` where the PIV application does not answer (any more) */
async function selectOrFail(exchange: ApduExchange): Promise<void> {
  const sw = await select(exchange);
  if (sw !== SW_SUCCESS) throw failure('SELECT', sw);
}
