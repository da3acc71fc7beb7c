// Reads a PIV card once, when it is put in, so that a login need not. Changes nothing on it and spends no try.
// Retired keys, which no login needs, are read when somebody asks for them.
// A broken object costs that object only; it is noted for diagnosis.
// Specification: SP 800-73-4 part 1, 3 (objects) and part 2, 3.1; Yubico's metadata where the ATR says YubiKey.

import { createHash } from 'node:crypto';
import { asAgentError, describeError, printable } from '../../base/errors.ts';
import { toHex } from '../../base/bytes.ts';
import { parseCertificate, type Certificate, type PublicKey } from '../../model/key/key.ts';
import {
  parseTokenId,
  type CardPin,
  type Identity,
  type PinState,
  type TokenId,
} from '../../model/card/token.ts';
import { UNKNOWN_SECRETS, type FactorySecrets } from '../../model/card/factory-secrets.ts';
import { NO_CARD_KEY, type CardKeyProof } from '../../model/card/card-key.ts';
import type { CardChannel, CardSlot } from '../../pcsc/channel.ts';
import type { CardKeyCheck } from '../interface.ts';
import { ApduExchange } from './apdu.ts';
import { proveCardKey } from './card-key.ts';
import { readCertificateObject } from './certificate-object.ts';
import { readGuid } from './chuid.ts';
import { deVerify, emptyVerify, getData, getMetadata, readSerial, select } from './commands.ts';
import * as P from './constants.ts';
import { readFactorySecrets } from './factory.ts';
import { readPinReference, readRetiredCount } from './discovery.ts';
import { isYubiKey, NO_POLICIES, readMetadataKey, readPolicies, type KeyPolicies } from './metadata.ts';
import { failure, hasNoReference, isAbsent, pinStatusOf, SW_SUCCESS, type StatusWord } from './status.ts';

/** Whether de-verify works; `unknown` where the card was verified by another program and must not be disturbed. */
export type DeVerifyAbility = 'works' | 'absent' | 'unknown';

/** What a card said when it was put in. */
export interface PivReading {
  readonly id: TokenId;
  readonly label: string;
  /** By its CHUID; null: it has none of a name. */
  readonly guid: string | null;
  /** The maker's number; null: it was not asked for, or there is none. */
  readonly serial: string | null;
  /** Without retired keys, which no login needs: readRetiredKey. */
  readonly identities: readonly Identity[];
  /** How many retired keys have their certificate on the card. */
  readonly retired: number;
  readonly pinReference: number;
  readonly pin: CardPin;
  readonly pinState: PinState;
  readonly pukState: PinState;
  readonly deVerify: DeVerifyAbility;
  readonly yubiKey: boolean;
  readonly cardProof: CardKeyProof;
  readonly secrets: FactorySecrets;
  /** What was broken or left out, for `sc_auth` and the log. Safe to print. */
  readonly notes: readonly string[];
}

interface Key {
  readonly slot: P.Slot;
  readonly publicKey: PublicKey;
  readonly certificate: Certificate | null;
  readonly policies: KeyPolicies;
}

/**
 * @returns null when the card has no PIV application
 * @throws AgentError as TokenDriver.probe
 */
export async function probePiv(
  channel: CardChannel,
  slot: CardSlot,
  driver: string,
  check: CardKeyCheck | null = null,
): Promise<PivReading | null> {
  const exchange = new ApduExchange(channel);
  if ((await select(exchange)) !== SW_SUCCESS) return null;
  const probe = new Probe(exchange, isYubiKey(slot.atr), check);
  const reading = await probe.read(driver);
  return { ...reading, pin: { ...reading.pin, entry: await pinEntry(channel) } };
}

/**
 * One of the keys that `reading` left out, in a transaction with the application selected.
 * @returns no identity where the slot is empty or broken, and a note where it is broken
 * @throws AgentError when the card is gone or silent
 */
export function readRetiredKey(
  exchange: ApduExchange,
  slot: P.Slot,
  reading: PivReading,
): Promise<Pick<PivReading, 'identities' | 'notes'>> {
  return new Probe(exchange, reading.yubiKey, null).retiredKey(slot, reading);
}

/** On the reader's own pad, where it has one that can take a PIV PIN. */
async function pinEntry(channel: CardChannel): Promise<CardPin['entry']> {
  const pad = (await channel.pinPad?.()) ?? null;
  if (pad === null) return 'computer';
  return Math.max(pad.minDigits, P.PIN_MIN_BYTES) <= Math.min(pad.maxDigits, P.PIN_BLOCK_BYTES)
    ? 'reader'
    : 'computer';
}

class Probe {
  readonly #exchange: ApduExchange;
  readonly #yubiKey: boolean;
  readonly #check: CardKeyCheck | null;
  readonly #notes: string[] = [];

  constructor(exchange: ApduExchange, yubiKey: boolean, check: CardKeyCheck | null) {
    this.#exchange = exchange;
    this.#yubiKey = yubiKey;
    this.#check = check;
  }

  async read(driver: string): Promise<PivReading> {
    const stated =
      (await this.#object('Discovery', P.DATA_OBJECT.DISCOVERY, readPinReference)) ??
      P.PIV_CARD_APPLICATION_PIN;
    const guid = await this.#object('CHUID', P.DATA_OBJECT.CARD_HOLDER_UNIQUE_IDENTIFIER, readGuid);
    const retired = (await this.#object('Key History', P.DATA_OBJECT.KEY_HISTORY, readRetiredCount)) ?? 0;
    const keys: Key[] = [];
    for (const slot of P.SLOTS) {
      const key = await this.#key(slot);
      if (key !== null) keys.push(key);
    }
    const cardProof = await this.#cardKey(keys);
    const { reference: pinReference, triesLeft, deVerify: ability } = await this.#pin(stated);
    const serial = guid === null ? await this.#serial() : null;
    const name = guid ?? serial ?? nameByKey(keys);
    const id = parseTokenId(`${driver}:${name}`);
    const holder = (keys.find((key) => key.slot.use === 'authentication') ?? keys[0])?.certificate?.holder;
    const label = printable(`PIV (${holder ?? name})`);
    const pin = cardPin(pinReference);
    const told = this.#yubiKey
      ? await this.#tolerate('PIN and PUK metadata', () => readFactorySecrets(this.#exchange))
      : null;
    const isOwnPin = pinReference === P.PIV_CARD_APPLICATION_PIN;
    return {
      id,
      label,
      guid,
      serial,
      identities: keys.map((key) => toIdentity(key, id, label, pin.id)),
      retired,
      pinReference,
      pin,
      pinState: { triesLeft, triesTotal: isOwnPin ? (told?.pinTotal ?? null) : null },
      pukState: told?.puk ?? { triesLeft: null, triesTotal: null },
      deVerify: ability,
      yubiKey: this.#yubiKey,
      cardProof,
      secrets: told?.secrets ?? UNKNOWN_SECRETS,
      notes: this.#notes,
    };
  }

  async retiredKey(
    slot: P.Slot,
    { id, label, pin }: PivReading,
  ): Promise<Pick<PivReading, 'identities' | 'notes'>> {
    const key = await this.#key(slot);
    const identities = key === null ? [] : [toIdentity(key, id, label, pin.id)];
    return { identities, notes: this.#notes };
  }

  /** One data object, or null where it is absent or broken. @throws AgentError when the card is gone or silent */
  async #object<T>(name: string, tag: number, read: (reply: Buffer) => T): Promise<T | null> {
    return this.#tolerate(name, async () => {
      const { data, sw } = await getData(this.#exchange, tag);
      if (isAbsent(sw)) return null;
      if (sw !== SW_SUCCESS) throw failure('GET DATA', sw);
      return read(data);
    });
  }

  async #key(slot: P.Slot): Promise<Key | null> {
    const name = `${slot.name} ${slot.certificateLabel}`;
    const certificate = await this.#object(name, slot.objectTag, (reply) => {
      const der = readCertificateObject(reply);
      return der === null ? null : parseCertificate(der);
    });
    // Beside a certificate the metadata are only read where a login needs them: when the key wants a touch.
    const inLogins = slot.use === 'authentication' || slot.use === 'key-management';
    const wanted = this.#yubiKey && (certificate === null || inLogins);
    const metadata = wanted ? await this.#metadata(slot.name, slot.keyReference, (data) => data) : null;
    const policies =
      metadata === null
        ? NO_POLICIES
        : ((await this.#tolerate(`${slot.name} metadata`, () => readPolicies(metadata))) ?? NO_POLICIES);
    if (certificate !== null) return { slot, publicKey: certificate.publicKey, certificate, policies };
    const publicKey =
      metadata === null
        ? null
        : await this.#tolerate(`${slot.name} metadata`, () => readMetadataKey(metadata));
    return publicKey === null ? null : { slot, publicKey, certificate: null, policies };
  }

  /** Whether the card proves its own key, in this very transaction. */
  async #cardKey(keys: readonly Key[]): Promise<CardKeyProof> {
    const own = keys.find(({ slot }) => slot.use === 'card-authentication');
    if (own === undefined || this.#check === null) return NO_CARD_KEY;
    const { publicKey } = own;
    const parts = { exchange: this.#exchange, yubiKey: this.#yubiKey, check: this.#check };
    return (await this.#tolerate('9E', () => proveCardKey(publicKey, parts))) ?? NO_CARD_KEY;
  }

  #metadata<T>(name: string, reference: number, read: (data: Buffer) => T | null): Promise<T | null> {
    return this.#tolerate(`${name} metadata`, async () => {
      const { data, sw } = await getMetadata(this.#exchange, reference);
      return sw === SW_SUCCESS ? read(data) : null;
    });
  }

  /** The counter, and whether de-verify does anything: asked while unverified, so that it changes nothing. */
  async #pin(
    stated: number,
  ): Promise<{ reference: number; triesLeft: number | null; deVerify: DeVerifyAbility }> {
    const { reference, sw } = await this.#pinReference(stated);
    const status = pinStatusOf(sw);
    if (status === 'unknown') this.#note(`PIN: the card does not say its tries`, failure('VERIFY', sw));
    // Nothing is known of a card whose word says nothing: another program may have verified it.
    if (typeof status === 'string') return { reference, triesLeft: null, deVerify: 'unknown' };
    // A card that ignores P1 takes it for an empty VERIFY and answers 63Cx here, but 9000 after a login: it would
    // confirm what it has not done. One that knows P1 = FF says 9000 here too.
    const ability = (await deVerify(this.#exchange, reference)) === SW_SUCCESS ? 'works' : 'absent';
    return { reference, triesLeft: status.triesLeft, deVerify: ability };
  }

  /** The PIN that the card has: where it knows none of the stated reference, the other one, if it knows that. */
  async #pinReference(stated: number): Promise<{ reference: number; sw: StatusWord }> {
    const sw = await emptyVerify(this.#exchange, stated);
    if (!hasNoReference(sw)) return { reference: stated, sw };
    const other = stated === P.GLOBAL_PIN ? P.PIV_CARD_APPLICATION_PIN : P.GLOBAL_PIN;
    const otherSw = await emptyVerify(this.#exchange, other);
    if (pinStatusOf(otherSw) === 'unknown') return { reference: stated, sw };
    this.#note(`PIN: ${cardPin(other).label} instead of ${cardPin(stated).label}`, failure('VERIFY', sw));
    return { reference: other, sw: otherSw };
  }

  /** Yubico's serial number, by which a card is called whose CHUID has no name. */
  async #serial(): Promise<string | null> {
    if (!this.#yubiKey) return null;
    return this.#tolerate('GET SERIAL', () => readSerial(this.#exchange));
  }

  #note(name: string, error: unknown): void {
    this.#notes.push(printable(`${name}: ${describeError(error)}`, 300));
  }

  /** Runs a step that may find nonsense on the card; nonsense is noted and counts as absent. */
  async #tolerate<T>(name: string, step: () => Promise<T | null> | T | null): Promise<T | null> {
    try {
      return await step();
    } catch (error) {
      switch (asAgentError(error).code) {
        case 'malformed':
        case 'bad-certificate':
        case 'weak-key':
        case 'card-fault':
          this.#note(name, error);
          return null;
        default:
          throw error;
      }
    }
  }
}

/** What a card is called that has no name and no number: by its first key. */
function nameByKey([first]: readonly Key[]): string {
  if (first === undefined) return 'unnamed';
  return toHex(createHash('sha256').update(first.publicKey.spki).digest()).slice(0, 16);
}

/** SP 800-73-4 part 1, table 4b: the card's own PIN, or one that is shared between its applications. */
function cardPin(reference: number): CardPin {
  const label = reference === P.PIV_CARD_APPLICATION_PIN ? 'PIV Card Application PIN' : 'Global PIN';
  return { id: reference.toString(16).padStart(2, '0'), label, entry: 'computer' };
}

function toIdentity(
  { slot, publicKey, certificate, policies }: Key,
  tokenId: TokenId,
  tokenLabel: string,
  pin: string,
): Identity {
  const name = certificate === null ? `Key ${slot.name} without certificate` : slot.certificateLabel;
  const holder = certificate === null ? '' : ` (${certificate.holder})`;
  const label = printable(`${tokenLabel}:${name}${holder}`, 300);
  return {
    tokenId,
    slot: slot.name,
    use: slot.use,
    publicKey,
    certificate,
    label,
    pin,
    touch: policies.touch,
    pinPolicy: policies.pin,
  };
}
