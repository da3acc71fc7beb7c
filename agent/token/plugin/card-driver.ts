// Drivers of the kind `card`: the process is handed a card for one call, and asks for APDUs to be sent. It never sees
// the PIN: it says where in an APDU it goes. After a call with a PIN the card is reset, whatever the driver has done.
// Specification: DRIVERS.md, "Kind card".

import { AgentError, printable } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { cardProofOf } from './card-proof.ts';
import type { CardPin, PinState } from '../../model/token.ts';
import type { CardChannel, CardSlot } from '../../pcsc/channel.ts';
import type { CardKeyCheck, ProofInHand, Token, TokenDriver } from '../interface.ts';
import * as A from './answers.ts';
import type { JsonObject } from './frames.ts';
import type { DriverProcess } from './process.ts';
import { addressOf, PluginToken, type TokenBackend } from './token.ts';

/** Reading a card with many certificates, slowly, takes a few seconds. */
const PROBE_MS = 10_000;
const PIN_STATE_MS = 5000;
const PROVE_MS = 15_000;
/** In one call. Reading 24 certificates by 255 bytes takes about 300. */
const MAX_APDUS = 2000;
/** Where a short command has the length of its data. */
const LC_AT = 4;

export class CardPlugin implements TokenDriver {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly #process: DriverProcess;
  readonly #check: CardKeyCheck | null;

  constructor(
    about: Pick<TokenDriver, 'id' | 'version' | 'displayName'>,
    process: DriverProcess,
    check: CardKeyCheck | null = null,
  ) {
    this.id = about.id;
    this.version = about.version;
    this.displayName = about.displayName;
    this.#process = process;
    this.#check = check;
  }

  async probe(channel: CardChannel, slot: CardSlot): Promise<Token | null> {
    const asked = this.#check?.begin() ?? null;
    const cardChallenge = asked?.challenge.message().toString('base64') ?? null;
    const params = { reader: printable(slot.reader), atr: toHex(slot.atr), cardChallenge };
    const relay = new Relay(channel, null);
    const described = await relay.call(this.#process, 'probe', params, PROBE_MS, (answer) => {
      const { token } = A.parseAnswer(A.probeAnswer, answer, 'probe');
      if (token === null) return null;
      const about = A.describeToken(this.id, token);
      return { ...about, cardProof: cardProofOf(token.cardProof, about.identities, asked) };
    });
    if (described === null) return null;
    return new PluginToken(
      described,
      slot,
      this.id,
      new CardBackend(this.#process, slot, addressOf(described)),
    );
  }
}

class CardBackend implements TokenBackend {
  readonly #process: DriverProcess;
  readonly #slot: CardSlot;
  readonly #address: JsonObject;

  constructor(process: DriverProcess, slot: CardSlot, address: JsonObject) {
    this.#process = process;
    this.#slot = slot;
    this.#address = address;
  }

  async pinState(pin: string): Promise<PinState> {
    const channel = await this.#slot.open();
    try {
      const relay = new Relay(channel, null);
      return await relay.call(
        this.#process,
        'pinState',
        { ...this.#address, pin },
        PIN_STATE_MS,
        A.pinStateOf,
      );
    } finally {
      await channel.close('leave');
    }
  }

  async sign(key: string, pin: CardPin, message: Buffer, secret: Pin | null): Promise<ProofInHand> {
    const params = { ...this.#address, key, pin: pin.id, message: message.toString('base64') };
    const channel = await this.#slot.open();
    try {
      const relay = new Relay(channel, secret);
      const proof = await relay.call(this.#process, 'sign', params, PROVE_MS, A.proofOf);
      return { proof, released: channel.close('reset') };
    } catch (error) {
      await channel.close('reset');
      throw error;
    }
  }

  async verifyPin(pin: CardPin, secret: Pin | null): Promise<void> {
    const channel = await this.#slot.open();
    try {
      const relay = new Relay(channel, secret);
      await relay.call(this.#process, 'verifyPin', { ...this.#address, pin: pin.id }, PROVE_MS, A.emptyOf);
    } finally {
      await channel.close('reset');
    }
  }

  async changePin(pin: CardPin, old: Pin, next: Pin): Promise<void> {
    const channel = await this.#slot.open();
    try {
      const relay = new Relay(channel, old, next);
      await relay.call(this.#process, 'changePin', { ...this.#address, pin: pin.id }, PROVE_MS, A.emptyOf);
      if (!relay.newPinSent) throw new AgentError('driver-fault', { detail: 'never sent the new PIN' });
    } finally {
      await channel.close('reset');
    }
  }
}

/** Sends a driver's APDUs over one channel, and puts the PIN into one of them, once. */
class Relay {
  readonly #channel: CardChannel;
  #pin: Pin | null;
  #newPin: Pin | null;
  #apdus = 0;
  /** What the card or reader did; told instead of the driver's own word for it. */
  #failure: unknown = null;

  constructor(channel: CardChannel, pin: Pin | null, newPin: Pin | null = null) {
    this.#channel = channel;
    this.#pin = pin;
    this.#newPin = newPin;
  }

  get newPinSent(): boolean {
    return this.#newPin === null;
  }

  async call<T>(
    process: DriverProcess,
    method: string,
    params: JsonObject,
    deadlineMs: number,
    parse: (answer: JsonObject) => T,
  ): Promise<T> {
    const options = { deadlineMs, onAsk: (message: JsonObject) => this.#transmit(message) };
    try {
      return await process.call(method, params, options, parse);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      this.#pin?.wipe();
      this.#newPin?.wipe();
    }
  }

  async #transmit(message: JsonObject): Promise<JsonObject> {
    const { transmit, pin, newPin } = A.parseAnswer(A.transmitMessage, message, 'transmit');
    if (++this.#apdus > MAX_APDUS)
      throw new AgentError('driver-fault', { detail: `sent more than ${MAX_APDUS} APDUs in one call` });
    const command = Buffer.from(transmit, 'hex');
    let response: Buffer;
    try {
      response =
        pin === undefined
          ? await this.#channel.transmit(command)
          : await this.#transmitPin(command, pin, newPin?.offset ?? null);
    } catch (error) {
      if (error instanceof AgentError && error.code === 'driver-fault') throw error;
      this.#failure = error;
      return { failed: error instanceof AgentError ? error.code : 'card-fault' };
    }
    return { response: toHex(response) };
  }

  /**
   * Sends the PIN, once; a new one only together with it, behind it and in its own place.
   * @throws AgentError `driver-fault` where there is no PIN (any more), or no room for it
   */
  async #transmitPin(
    command: Buffer,
    { offset, fit }: { readonly offset: number; readonly fit: boolean },
    newOffset: number | null,
  ): Promise<Buffer> {
    const pin = this.#pin;
    this.#pin = null;
    if (pin === null) throw new AgentError('driver-fault', { detail: 'wants to send the PIN a second time' });
    const length = fit ? offset + pin.length : command.length;
    const next = newOffset === null ? null : this.#newPin;
    const nextFits =
      newOffset === null ||
      (next !== null && !fit && newOffset >= offset + pin.length && newOffset + next.length <= length);
    if (
      !nextFits ||
      offset + pin.length > length ||
      offset > command.length ||
      (fit && length - LC_AT - 1 > 255)
    ) {
      pin.wipe();
      throw new AgentError('driver-fault', { detail: 'gives an APDU without room for the PIN' });
    }
    const whole = new SecretBuffer(length);
    try {
      whole.bytes.set(command.subarray(0, Math.min(command.length, length)));
      if (next !== null && newOffset !== null) {
        next.peek((bytes) => {
          whole.bytes.set(bytes, newOffset);
        });
        next.wipe();
        this.#newPin = null;
      }
      return await pin.use(async (bytes) => {
        whole.bytes.set(bytes, offset);
        if (fit) whole.bytes.writeUInt8(length - LC_AT - 1, LC_AT);
        return await this.#channel.transmit(whole.bytes);
      });
    } finally {
      whole.release();
    }
  }
}
