// Drivers of the kind `card`: the process is handed a card for one call, and asks for APDUs to be sent. It never sees
// the PIN: it says where in an APDU it goes. After a call with a PIN the card is reset, whatever the driver has done.
// Specification: DRIVERS.md, "Kind card".

import { AgentError, printable } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import type { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { cardProofOf } from './card-proof.ts';
import { TryMemory, type Admit, type ToldTries } from '../../model/card/pin-tries.ts';
import type { CardPin } from '../../model/card/token.ts';
import { leaving, orLeave, type CardChannel, type CardSlot } from '../../pcsc/channel.ts';
import type { CardKeyCheck, ProofInHand, Token, TokenDriver } from '../interface.ts';
import * as A from './answers.ts';
import type { JsonObject } from './frames.ts';
import { DriverProcess, type DriverProgram } from './driver-process.ts';
import {
  checkPinCommand,
  checkPlain,
  fitLength,
  isChained,
  pinReference,
  type PinPlace,
} from './pin-command.ts';
import type { TokenBackend } from './backend.ts';
import { addressOf, PluginToken } from './token.ts';

/** Reading a card with many certificates, slowly, takes a few seconds. */
const PROBE_MS = 10_000;
const PIN_STATE_MS = 5000;
const PROVE_MS = 15_000;
/** In one call. Reading 24 certificates by 255 bytes takes about 300. */
const MAX_APDUS = 2000;

export class CardPlugin implements TokenDriver {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly #process: DriverProcess;
  readonly #check: CardKeyCheck | null;
  readonly #tries = new TryMemory();
  /** What the process has read in each reader, and answers for as long as it lives. */
  readonly #probed = new Map<string, Token>();
  #lost: (tokens: readonly Token[]) => void = () => undefined;

  constructor(
    about: Pick<TokenDriver, 'id' | 'version' | 'displayName'>,
    program: DriverProgram,
    log: (line: string) => void,
    check: CardKeyCheck | null = null,
  ) {
    this.id = about.id;
    this.version = about.version;
    this.displayName = about.displayName;
    this.#check = check;
    this.#process = new DriverProcess(program, log, () => {
      const lost = [...this.#probed.values()];
      this.#probed.clear();
      if (lost.length > 0) this.#lost(lost);
    });
  }

  /** What does not work now or did not, for diagnosis. */
  problems(): string[] {
    return this.#process.problems;
  }

  /** The same of what does not work now. */
  failing(): string[] {
    const { lastFailure } = this.#process;
    return lastFailure === null ? [] : [lastFailure.detail];
  }

  onLost(listener: (tokens: readonly Token[]) => void): void {
    this.#lost = listener;
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
      for (const { id } of about.pins) pinReference(id);
      return { ...about, cardProof: cardProofOf(token.cardProof, about.identities, asked) };
    });
    if (described === null) {
      this.#probed.delete(slot.reader);
      return null;
    }
    const backend = new CardBackend(this.#process, slot, addressOf(described));
    const token = new PluginToken(described, slot, this.id, backend, this.#tries);
    this.#probed.set(slot.reader, token);
    return token;
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

  async pinState(pin: string): Promise<ToldTries> {
    const channel = await this.#slot.open();
    return leaving(channel, () => this.#count(channel, pin));
  }

  #count(channel: CardChannel, pin: string): Promise<ToldTries> {
    const params = { ...this.#address, pin };
    return new Relay(channel, null).call(this.#process, 'pinState', params, PIN_STATE_MS, A.pinStateOf);
  }

  /** The card for a PIN: its tries are looked at in the very transaction in which one may be spent. */
  async #openFor({ id }: CardPin, admit: Admit): Promise<CardChannel> {
    const channel = await this.#slot.open();
    await orLeave(channel, () => admit(() => this.#count(channel, id)));
    return channel;
  }

  async sign(
    key: string,
    pin: CardPin,
    message: Buffer,
    secret: Pin | null,
    admit: Admit,
  ): Promise<ProofInHand> {
    const params = { ...this.#address, key, pin: pin.id, message: message.toString('base64') };
    const channel = await this.#openFor(pin, admit);
    try {
      const relay = new Relay(channel, secretOf(pin, secret));
      const proof = await relay.call(this.#process, 'sign', params, PROVE_MS, A.proofOf);
      const released = channel.close('reset').then((done) => (done ? 'reset' : 'unknown'));
      return { proof, released };
    } catch (error) {
      await channel.close('reset');
      throw error;
    }
  }

  async verifyPin(pin: CardPin, secret: Pin | null, admit: Admit): Promise<void> {
    const channel = await this.#openFor(pin, admit);
    try {
      const relay = new Relay(channel, secretOf(pin, secret));
      await relay.call(this.#process, 'verifyPin', { ...this.#address, pin: pin.id }, PROVE_MS, A.emptyOf);
    } finally {
      await channel.close('reset');
    }
  }

  async changePin(pin: CardPin, old: Pin, next: Pin, admit: Admit): Promise<void> {
    const channel = await this.#openFor(pin, admit);
    try {
      const relay = new Relay(channel, { ...secretOf(pin, old), next });
      await relay.call(this.#process, 'changePin', { ...this.#address, pin: pin.id }, PROVE_MS, A.emptyOf);
      if (!relay.newPinSent) throw new AgentError('driver-fault', { detail: 'never sent the new PIN' });
    } finally {
      await channel.close('reset');
    }
  }
}

/** What a call may put into one of its APDUs. */
interface Secret {
  /** The reference of the PIN. */
  readonly reference: number;
  readonly pin: Pin | null;
  /** The new one, where it is changed. */
  readonly next: Pin | null;
}

function secretOf({ id }: CardPin, pin: Pin | null): Secret {
  return { reference: pinReference(id), pin, next: null };
}

/** Sends a driver's APDUs over one channel, and puts the PIN into one of them, once. */
class Relay {
  readonly #channel: CardChannel;
  readonly #secret: Secret | null;
  #isSpent = false;
  #newPinSent = false;
  #hasChained = false;
  #apdus = 0;
  /** What the card or reader did; told instead of the driver's own word for it. */
  #failure: unknown = null;

  /** @param secret null: this call has none */
  constructor(channel: CardChannel, secret: Secret | null) {
    this.#channel = channel;
    this.#secret = secret;
  }

  get newPinSent(): boolean {
    return this.#newPinSent;
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
      this.#secret?.pin?.wipe();
      this.#secret?.next?.wipe();
    }
  }

  async #transmit(message: JsonObject): Promise<JsonObject> {
    const { transmit, pin, newPin } = A.parseAnswer(A.transmitMessage, message, 'transmit');
    if (++this.#apdus > MAX_APDUS)
      throw new AgentError('driver-fault', { detail: `sent more than ${MAX_APDUS} APDUs in one call` });
    const command = Buffer.from(transmit, 'hex');
    let response: Buffer;
    try {
      if (pin === undefined) {
        checkPlain(command);
        this.#hasChained ||= isChained(command);
        response = await this.#channel.transmit(command);
      } else response = await this.#transmitPin(command, pin, newPin?.offset ?? null);
    } catch (error) {
      if (error instanceof AgentError && error.code === 'driver-fault') throw error;
      this.#failure = error;
      return { failed: error instanceof AgentError ? error.code : 'card-fault' };
    }
    return { response: toHex(response) };
  }

  /**
   * Sends the PIN, once; a new one only together with it.
   * @throws AgentError `driver-fault` where there is no PIN (any more), or the command is not one for it
   */
  async #transmitPin(command: Buffer, place: PinPlace, newOffset: number | null): Promise<Buffer> {
    const { reference = 0, pin = null, next = null } = this.#isSpent ? {} : (this.#secret ?? {});
    this.#isSpent = true;
    if (pin === null) throw new AgentError('driver-fault', { detail: 'wants to send the PIN a second time' });
    // A card could take the command for the last part of what is open.
    if (this.#hasChained)
      throw new AgentError('driver-fault', { detail: 'sends the PIN after a chain of commands' });
    const use = { reference, length: pin.length, newLength: next?.length ?? null };
    const whole = new SecretBuffer(checkPinCommand(command, place, newOffset, use));
    try {
      whole.bytes.set(command.subarray(0, whole.bytes.length));
      if (place.fit) fitLength(whole.bytes);
      if (next !== null && newOffset !== null) {
        next.peek((bytes) => {
          whole.bytes.set(bytes, newOffset);
        });
        next.wipe();
        this.#newPinSent = true;
      }
      return await pin.use(async (bytes) => {
        whole.bytes.set(bytes, place.offset);
        return await this.#channel.transmit(whole.bytes);
      });
    } finally {
      whole.release();
    }
  }
}
