// A PIV card that is in: reads its counter, verifies its PIN, signs a challenge. Each in one transaction that ends with
// the card unverified, on each path. Specification: SP 800-73-4 part 2, 3.2.

import { systemClock } from '../../base/clock.ts';
import { toHex } from '../../base/bytes.ts';
import { AgentError, asAgentError, describeError, printable } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import type { Challenge } from '../../model/challenge.ts';
import type { Attestation } from '../../model/card/attestation.ts';
import { UNKNOWN_SECRETS, type FactorySecrets } from '../../model/card/factory-secrets.ts';
import type { CardKeyProof } from '../../model/card/card-key.ts';
import type { PinTries, TryMemory } from '../../model/card/pin-tries.ts';
import type { CardPin, Identity, PinState, PinTry, TokenId } from '../../model/card/token.ts';
import { leaving, orLeave, type CardSlot } from '../../pcsc/channel.ts';
import type { CardIssuer, ProofInHand, Token, WhileOpen } from '../interface.ts';
import { agree, canAgree } from './agree.ts';
import { ApduExchange } from './apdu.ts';
import { readAttestation } from './attest.ts';
import { emptyVerify, generalAuthenticate } from './commands.ts';
import {
  CRYPTOGRAPHIC_MECHANISM,
  PIN_BLOCK_BYTES,
  PIN_MIN_BYTES,
  PIV_CARD_APPLICATION_PIN,
  RETIRED_SLOTS,
  SLOTS,
  type Slot,
} from './constants.ts';
import { readRetiredKey, type DeVerifyAbility, type PivReading } from './probe.ts';
import { canBePuk, readPukState, setNewPin, type NewPinBy } from './reference-data.ts';
import { openCard, padOf, type OpenCard } from './open-card.ts';
import { readFactorySecrets } from './factory.ts';
import { PivIssuer } from './issuer.ts';
import { readSignature, signatureInput } from './sign.ts';
import { pinStatusOf, signFailure, SW_SUCCESS } from './status.ts';
import { VerifiedSession } from './verified-session.ts';

/** What was found out about cards since the driver began: it outlives the tokens. */
export interface CardMemory {
  /**
   * Of their de-verify, after a real VERIFY. By all that a card shows of itself, since cards of different makers may have
   * one token id.
   */
  readonly deVerify: Map<string, DeVerifyAbility>;
  readonly tries: TryMemory;
}

/** The standard has no way to ask for the tries of a PUK. */
const UNCOUNTED: PinState = { triesLeft: null, triesTotal: null };

/** How long a key may wait to be touched: a YubiKey gives up after 15 s by itself. */
const TOUCH_MS = 30_000;

/**
 * A secret that was typed before the prompt (a locker, a pipe) comes at once: then the look at the try counter and the
 * proof are one transaction. A person takes longer; the card is free again long before.
 */
const LINGER_MS = 5;

export class PivToken implements Token {
  readonly id: TokenId;
  readonly driver: string;
  readonly label: string;
  readonly slot: CardSlot;
  readonly pins: readonly [CardPin];
  readonly cardProof: CardKeyProof;
  readonly readAtMs = systemClock.nowMs();
  readonly #reading: PivReading;
  #secrets: FactorySecrets;
  readonly #known: CardMemory['deVerify'];
  readonly #nameInMemory: string;
  readonly #tries: PinTries;
  readonly #pukTries: PinTries;
  /** Whose keys were not read yet. */
  readonly #slotsLeft: Slot[];
  readonly #retired: Identity[] = [];
  readonly #retiredNotes: string[] = [];
  #reads: Promise<void> | null = null;
  /** Why some are not there; null as long as nobody asked for them. */
  #unread: string | null = null;
  #lingering: (OpenCard & { readonly end: NodeJS.Timeout }) | null = null;

  constructor(reading: PivReading, slot: CardSlot, driver: string, memory: CardMemory) {
    this.id = reading.id;
    this.driver = driver;
    this.label = reading.label;
    this.slot = slot;
    this.pins = [reading.pin];
    this.cardProof = reading.cardProof;
    this.#reading = reading;
    this.#slotsLeft = RETIRED_SLOTS.slice(0, reading.retired);
    this.#secrets = reading.secrets;
    this.#known = memory.deVerify;
    // By what was read at once: what is known must not go when more is read.
    const keys = reading.identities.map(({ publicKey }) => publicKey.pkhh);
    this.#nameInMemory = [reading.id, toHex(slot.atr), ...keys].join(' ');
    this.#tries = memory.tries.of(this.id, reading.pin.id, ...keys);
    this.#pukTries = memory.tries.of(this.id, 'PUK', ...keys);
    this.#tries.heard(reading.pinState);
    this.#pukTries.heard(reading.pukState);
  }

  get identities(): readonly Identity[] {
    return [...this.#reading.identities, ...this.#retired];
  }

  get notes(): readonly string[] {
    const { length: left } = this.#slotsLeft;
    const unread = left === 0 || this.#unread === null ? [] : [`${left} of the retired keys ${this.#unread}`];
    return [...this.#reading.notes, ...this.#retiredNotes, ...unread];
  }

  readRest(): Promise<void> {
    this.#unread = 'are being read';
    this.#reads ??= this.#readRetired()
      .catch((error: unknown) => {
        this.#unread = `could not be read: ${printable(describeError(error))}`;
        throw error;
      })
      .finally(() => {
        this.#reads = null;
      });
    return this.#reads;
  }

  get lastPinState(): PinState {
    return this.#tries.state;
  }

  async pinState(): Promise<PinState> {
    const open = await this.#open();
    await orLeave(open.channel, async () => {
      this.#tries.heard(await this.#count(open.exchange));
      if (this.lastPinState.triesLeft === 0) throw new AgentError('pin-blocked', { triesLeft: 0 });
    });
    this.#linger(open);
    return this.lastPinState;
  }

  acceptsPin(pin: Pin): boolean {
    if (pin.length < PIN_MIN_BYTES || pin.length > PIN_BLOCK_BYTES) return false;
    // SP 800-73-4 part 2, 2.4.3: digits. A YubiKey takes any bytes; we send what a keyboard can type.
    if (pin.isDigits || !this.#reading.yubiKey) return pin.isDigits;
    return pin.peek((bytes) => bytes.every((byte) => byte >= 0x20 && byte < 0x7f));
  }

  async prove(
    identity: Identity,
    challenge: Challenge,
    attempt: PinTry,
    gone?: AbortSignal,
    whileOpen?: WhileOpen,
  ): Promise<ProofInHand> {
    try {
      const key = this.#loginKey(identity);
      const { scheme, bytes } = signatureInput(challenge, identity.publicKey.algorithm);
      const patienceMs = patienceOf(identity);
      const wantsTouch = patienceMs !== undefined;
      const session = await this.#verify(attempt, gone);
      try {
        const mechanism = CRYPTOGRAPHIC_MECHANISM[identity.publicKey.algorithm];
        const reply = generalAuthenticate(session.exchange, mechanism, key, bytes, patienceMs);
        const { data, sw } = await (wantsTouch ? reply.catch(untouched) : reply);
        if (sw !== SW_SUCCESS) throw signFailure(sw, wantsTouch);
        const proof = { scheme, signature: readSignature(data) };
        await whileOpen?.(proof, {
          agree: (wanted, input) => agree(session.exchange, wanted, input, patienceOf(wanted)),
        });
        return { proof, released: session.release() };
      } catch (error) {
        await session.release();
        throw error;
      }
    } finally {
      attempt.pin?.wipe();
    }
  }

  canAgree(identity: Identity): boolean {
    return this.identities.includes(identity) && canAgree(identity);
  }

  async verifyPin(attempt: PinTry, _of?: CardPin, gone?: AbortSignal): Promise<void> {
    try {
      const session = await this.#verify(attempt, gone);
      await session.release();
    } finally {
      attempt.pin?.wipe();
    }
  }

  get issuer(): CardIssuer {
    const open = (): Promise<OpenCard> => this.#open();
    return new PivIssuer(open, this.#reading, this.#tries, (card) => this.#session(card));
  }

  changePuk(old: PinTry, next: Pin): Promise<void> {
    return this.#setPin('old-puk', old, next);
  }

  changePin(old: PinTry, next: Pin): Promise<void> {
    return this.#setPin('old-pin', old, next);
  }

  unblockPin(puk: PinTry, next: Pin): Promise<void> {
    return this.#setPin('puk', puk, next);
  }

  acceptsPuk(puk: Pin): boolean {
    return canBePuk(puk, this.#reading.yubiKey);
  }

  async attest(identity: Identity): Promise<Attestation> {
    const key = this.#loginKey(identity);
    if (!this.#reading.yubiKey) throw new AgentError('not-attested', { say: 'the card is no YubiKey' });
    const { channel, exchange } = await this.#open();
    return leaving(channel, () => readAttestation(exchange, key));
  }

  get factorySecrets(): FactorySecrets {
    return this.#secrets;
  }

  /** Also of cards whose ATR does not say that they know the command: others refuse it. */
  async askFactorySecrets(): Promise<FactorySecrets> {
    const { channel, exchange } = await this.#open();
    const read = await leaving(channel, () => readFactorySecrets(exchange));
    this.#secrets = read?.secrets ?? UNKNOWN_SECRETS;
    return this.#secrets;
  }

  get lastPukState(): PinState {
    return this.#pukTries.state;
  }

  async pukState(): Promise<PinState> {
    if (this.#reading.yubiKey) {
      const { channel, exchange } = await this.#open();
      this.#pukTries.heard(await leaving(channel, () => readPukState(exchange)));
    }
    return this.#pukTries.state;
  }

  /** Sets a new PIN in one transaction; the card may think that it is verified now, so it is released as if it were. */
  async #setPin(by: NewPinBy, { pin: proof, permit }: PinTry, next: Pin): Promise<void> {
    const { pinReference, yubiKey } = this.#reading;
    try {
      const ofPuk = by !== 'old-pin';
      if (ofPuk && pinReference !== PIV_CARD_APPLICATION_PIN)
        throw new AgentError('not-supported', { detail: 'the PUK is for the PIV application PIN alone' });
      const fits = proof !== null && (ofPuk ? this.acceptsPuk(proof) : this.acceptsPin(proof));
      if (!fits || !(by === 'old-puk' ? this.acceptsPuk(next) : this.acceptsPin(next)))
        throw new AgentError('pin-malformed', { detail: 'cannot be a PIN or PUK of this card' });
      const tries = ofPuk ? this.#pukTries : this.#tries;
      await tries.spend(permit, async (admit) => {
        const open = await this.#open();
        const count = async (): Promise<PinState> => {
          if (!ofPuk) return this.#count(open.exchange);
          return yubiKey ? readPukState(open.exchange) : UNCOUNTED;
        };
        await orLeave(open.channel, () => admit(count));
        const session = this.#session(open);
        try {
          await setNewPin(open.exchange, pinReference, by, proof, next);
          // Whether the new one is the factory's only the card knows.
          this.#secrets = { ...this.#secrets, [by === 'old-puk' ? 'puk' : 'pin']: null };
        } finally {
          await session.release();
        }
      });
      if (by === 'puk') this.#tries.right();
    } finally {
      proof?.wipe();
      next.wipe();
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

  async #verify({ pin, permit }: PinTry, gone?: AbortSignal): Promise<VerifiedSession> {
    if ((pin === null) !== (this.#reading.pin.entry === 'reader'))
      throw new AgentError('pin-malformed', {
        detail: `this PIN is typed at the ${this.#reading.pin.entry}`,
      });
    if (pin !== null && !this.acceptsPin(pin))
      throw new AgentError('pin-malformed', { detail: 'cannot be a PIN of this card' });
    return this.#tries.spend(permit, async (admit) => {
      const open = await this.#open();
      const entry = await orLeave(open.channel, async () => {
        const pad = pin ?? (await padOf(open.channel));
        await admit(() => this.#count(open.exchange));
        return pad;
      });
      const session = this.#session(open);
      if (entry instanceof Pin) await session.verify(entry);
      else await session.verifyOnPad(entry, gone);
      return session;
    });
  }

  /** The tries that the card shows, by an empty VERIFY. */
  async #count(exchange: ApduExchange): Promise<PinState> {
    const status = pinStatusOf(await emptyVerify(exchange, this.#reading.pinReference));
    // Another program's right PIN; the counter stands behind it, full.
    if (status === 'verified') this.#tries.right();
    const triesLeft = typeof status === 'string' ? null : status.triesLeft;
    return { triesLeft, triesTotal: null };
  }

  #session({ channel, exchange }: OpenCard): VerifiedSession {
    return new VerifiedSession(channel, exchange, this.#reading.pinReference, {
      ability: this.#known.get(this.#nameInMemory) ?? this.#reading.deVerify,
      // One APDU more, once: what a card claimed when it was put in is believed only after it was seen.
      confirm: !this.#known.has(this.#nameInMemory),
      learned: (found) => this.#known.set(this.#nameInMemory, found),
    });
  }

  /** A transaction with the application selected: the one that lingers, or a new one. */
  async #open(): Promise<OpenCard> {
    return this.#takeLingering() ?? openCard(this.slot);
  }

  /** A transaction for each key: a login that comes meanwhile waits for one. */
  async #readRetired(): Promise<void> {
    for (let [slot] = this.#slotsLeft; slot !== undefined; [slot] = this.#slotsLeft) {
      const { channel, exchange } = await openCard(this.slot);
      const { identities, notes } = await leaving(channel, () =>
        readRetiredKey(exchange, slot, this.#reading),
      );
      this.#retired.push(...identities);
      this.#retiredNotes.push(...notes);
      this.#slotsLeft.shift();
    }
  }

  /** Keeps a transaction for a PIN that is typed already, for a few milliseconds and no longer. */
  #linger(open: OpenCard): void {
    const end = setTimeout(() => {
      void this.#takeLingering()?.channel.close('leave');
    }, LINGER_MS);
    this.#lingering = { ...open, end };
  }

  #takeLingering(): OpenCard | null {
    const lingering = this.#lingering;
    this.#lingering = null;
    if (lingering !== null) clearTimeout(lingering.end);
    return lingering;
  }
}

/** How long a key may take; undefined where it waits for nobody's touch. */
function patienceOf({ touch }: Identity): number | undefined {
  return touch === 'always' || touch === 'cached' ? TOUCH_MS : undefined;
}

/** No answer in time, from a key that wants a touch: nobody touched it. */
function untouched(error: unknown): never {
  const failed = asAgentError(error);
  if (failed.code !== 'card-timeout') throw failed;
  throw new AgentError('touch-timeout', { detail: failed.detail, cause: failed });
}
