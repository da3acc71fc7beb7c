// Whether a card can be set up: what it is, whether its secrets are the factory's, which places are in use. Spends no try
// and changes nothing. Specification: SP 800-73-4 part 2, 3.1; Yubico PIV extensions (GET VERSION, GET METADATA).

import { AgentError, asAgentError } from '../../base/errors.ts';
import { findTlv, readOnly, readTlvs } from '../../base/tlv.ts';
import { UNKNOWN_SECRETS } from '../../model/card/factory-secrets.ts';
import type { CardLook } from '../../model/card/issuing.ts';
import { parseCertificate, sameKey, type Certificate, type PublicKey } from '../../model/key/key.ts';
import type { PinState } from '../../model/card/token.ts';
import type { ApduExchange } from './apdu.ts';
import { readCertificateObject } from './certificate-object.ts';
import { emptyVerify, getData, getMetadata, getVersion, readSerial } from './commands.ts';
import * as P from './constants.ts';
import { readPivmanData, TRIPLE_DES, type PivmanData } from './management-key.ts';
import { readMetadataKey } from './metadata.ts';
import { PUK_REFERENCE } from './reference-data.ts';
import { failure, isAbsent, pinStatusOf, SW_SUCCESS } from './status.ts';

/** The places that a setup fills, in this order. */
export const FILLED = ['9A', '9D', '9E'] as const;
const PLACES: readonly P.Slot[] = [...P.SLOTS, ...P.RETIRED_SLOTS];

/** What is in a place: a key (where the card tells), a certificate, both, nothing. */
export interface Content {
  /** null: none, or the card does not tell. */
  readonly publicKey: PublicKey | null;
  readonly hasKey: boolean;
  readonly certificate: Certificate | null;
}

export interface Look extends CardLook {
  readonly managementAlgorithm: number;
  readonly pivman: PivmanData;
}

export function slotNamed(name: string): P.Slot {
  const slot = PLACES.find((one) => one.name === name);
  if (slot === undefined) throw new AgentError('internal', { detail: `no place ${name}` });
  return slot;
}

/** An object's content; null: there is none. @throws AgentError `card-fault`, `malformed`, and what the channel throws */
export async function readObject(exchange: ApduExchange, tag: number): Promise<Buffer | null> {
  const { data, sw } = await getData(exchange, tag);
  if (isAbsent(sw)) return null;
  if (sw !== SW_SUCCESS) throw failure('GET DATA', sw);
  const object = readOnly(data, P.DISCRETIONARY_DATA);
  return object.length === 0 ? null : object;
}

/** @throws AgentError `card-fault` for a certificate that nobody can read: it is somebody's */
async function certificateIn(
  exchange: ApduExchange,
  { name, objectTag }: P.Slot,
): Promise<Certificate | null> {
  const { data, sw } = await getData(exchange, objectTag);
  if (isAbsent(sw)) return null;
  if (sw !== SW_SUCCESS) throw failure('GET DATA', sw);
  try {
    const der = readCertificateObject(data);
    return der === null ? null : parseCertificate(der);
  } catch (cause) {
    throw new AgentError('cannot-set-up', { say: `${name} holds something that scauth cannot read`, cause });
  }
}

/** @returns null: the place is empty */
export async function contentOf(
  exchange: ApduExchange,
  slot: P.Slot,
  hasMetadata: boolean,
): Promise<Content | null> {
  const { data, sw } = hasMetadata ? await getMetadata(exchange, slot.keyReference) : NO_METADATA;
  const hasKey = sw === SW_SUCCESS;
  const certificate = await certificateIn(exchange, slot);
  if (!hasKey && certificate === null) return null;
  return { publicKey: hasKey ? readMetadataKey(data) : null, hasKey, certificate };
}

const NO_METADATA = { data: Buffer.alloc(0), sw: 0 };

/**
 * Whether an unfinished setup may have left this: a key that has no certificate yet, or one with the certificate that it
 * signed itself.
 */
export function isUnfinished({ publicKey, hasKey, certificate }: Content): boolean {
  if (certificate === null) return true;
  const own = certificate.subject === certificate.issuer;
  return own && (publicKey === null ? !hasKey : sameKey(publicKey, certificate.publicKey));
}

/** Tries and whether it is the factory's; null where the card has no such metadata. */
async function secretOf(
  exchange: ApduExchange,
  reference: number,
): Promise<{
  readonly isFactory: boolean | null;
  readonly tries: PinState;
  readonly algorithm: number | null;
} | null> {
  const { data, sw } = await getMetadata(exchange, reference);
  if (sw !== SW_SUCCESS) return null;
  const fields = readTlvs(data);
  const flag = findTlv(fields, P.METADATA_IS_DEFAULT)?.[0];
  const tries = findTlv(fields, P.METADATA_RETRIES);
  return {
    isFactory: flag === undefined ? null : flag === 1,
    tries: { triesTotal: tries?.[0] ?? null, triesLeft: tries?.[1] ?? null },
    algorithm: findTlv(fields, P.METADATA_ALGORITHM)?.[0] ?? null,
  };
}

/** What was read when the card was put in; all of it that counts is asked for again before anything is written. */
interface Known {
  /** Places that were looked at, and those of them with a key. */
  readonly places: readonly string[];
  readonly inUse: readonly string[];
  readonly serial: string | null;
}

/**
 * @param known places that were looked at when the card was put in, and what was found in them
 * @returns null: a card without Yubico's instructions
 * @throws AgentError `cannot-set-up`, `malformed`, `card-fault`, and what the channel throws
 */
export async function lookAt(exchange: ApduExchange, known: Known): Promise<Look | null> {
  const version = await getVersion(exchange);
  if (version === null) return null;
  const serial = known.serial ?? (await readSerial(exchange));
  const pin = await secretOf(exchange, P.PIV_CARD_APPLICATION_PIN);
  const puk = pin === null ? null : await secretOf(exchange, PUK_REFERENCE);
  const key = pin === null ? null : await secretOf(exchange, P.CARD_MANAGEMENT_KEY);
  const pivman = readPivmanData(await readObject(exchange, P.PIVMAN_OBJECT));
  const look = {
    firmware: version.join('.'),
    serial,
    hasMetadata: pin !== null,
    secrets:
      pin === null
        ? UNKNOWN_SECRETS
        : { pin: pin.isFactory, puk: puk?.isFactory ?? null, managementKey: key?.isFactory ?? null },
    pin: pin?.tries ?? (await countOf(exchange)),
    puk: puk?.tries ?? { triesLeft: null, triesTotal: null },
    begun: pivman.begun,
    managementAlgorithm: key?.algorithm ?? TRIPLE_DES,
    pivman,
  };
  return { ...look, inUse: await placesInUse(exchange, look, known) };
}

async function countOf(exchange: ApduExchange): Promise<PinState> {
  const status = pinStatusOf(await emptyVerify(exchange, P.PIV_CARD_APPLICATION_PIN));
  return { triesLeft: typeof status === 'string' ? null : status.triesLeft, triesTotal: null };
}

async function placesInUse(
  exchange: ApduExchange,
  { hasMetadata, begun }: Pick<Look, 'hasMetadata' | 'begun'>,
  known: Known,
): Promise<string[]> {
  const inUse: string[] = [];
  for (const slot of PLACES) {
    const ours = begun && FILLED.some((name) => name === slot.name);
    if (ours) {
      const content = await contentOf(exchange, slot, hasMetadata);
      if (content !== null && !isUnfinished(content)) inUse.push(slot.name);
    } else if (known.places.includes(slot.name)) {
      if (known.inUse.includes(slot.name)) inUse.push(slot.name);
    } else if (await isInUse(exchange, slot, hasMetadata)) inUse.push(slot.name);
  }
  return inUse;
}

/** One question: by the key where the card tells, else by the certificate. */
export async function isInUse(exchange: ApduExchange, slot: P.Slot, hasMetadata: boolean): Promise<boolean> {
  if (hasMetadata) return (await getMetadata(exchange, slot.keyReference)).sw === SW_SUCCESS;
  try {
    return (await readObject(exchange, slot.objectTag)) !== null;
  } catch (error) {
    // What cannot be read is somebody's.
    if (asAgentError(error).code === 'malformed') return true;
    throw error;
  }
}
