// The management key (9B): mutual authentication, a new one, and where it is kept. It is kept as ykman does: in the object
// that only the PIN opens, with a flag beside it, so that ykman goes on working on a card that was set up here.
// Specification: SP 800-73-4 part 2, 3.2.4 and appendix A.1 (mutual authentication); SP 800-78-4, table 6-1 (algorithms);
// Yubico PIV extensions, SET MANAGEMENT KEY; ykman/piv.py, PivmanData and PivmanProtectedData.

import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import { AgentError } from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { findTlv, readOnly, readTlvs, writeTlv } from '../../base/tlv.ts';
import type { ApduExchange } from './apdu.ts';
import * as P from './constants.ts';
import { failure, SW_SUCCESS } from './status.ts';

interface KeyKind {
  readonly cipher: string;
  readonly blockBytes: number;
  readonly keyBytes: number;
}

const KINDS: Readonly<Partial<Record<number, KeyKind>>> = {
  0x03: { cipher: 'des-ede3', blockBytes: 8, keyBytes: 24 },
  0x08: { cipher: 'aes-128-ecb', blockBytes: 16, keyBytes: 16 },
  0x0a: { cipher: 'aes-192-ecb', blockBytes: 16, keyBytes: 24 },
  0x0c: { cipher: 'aes-256-ecb', blockBytes: 16, keyBytes: 32 },
};
/** Of cards that do not say. */
export const TRIPLE_DES = 0x03;
/** The factory's, in manuals: eight bytes, three times; as an AES-192 key from firmware 5.7 on. */
const FACTORY_KEY = Buffer.from('010203040506070801020304050607080102030405060708', 'hex');

/** @throws AgentError `cannot-set-up` for an algorithm that nobody has */
function kindOf(algorithm: number): KeyKind {
  const kind = KINDS[algorithm];
  if (kind === undefined)
    throw new AgentError('cannot-set-up', {
      say: 'its management key is of a kind that scauth does not know',
    });
  return kind;
}

function crypt(kind: KeyKind, key: Uint8Array, block: Uint8Array, encrypt: boolean): Buffer {
  const cipher = encrypt ? createCipheriv(kind.cipher, key, null) : createDecipheriv(kind.cipher, key, null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/** The one object in a reply of GENERAL AUTHENTICATE, of the block's length. @throws AgentError `card-fault` */
function readBlock(reply: Uint8Array, tag: number, blockBytes: number): Buffer {
  let value: Buffer | undefined;
  try {
    value = findTlv(readTlvs(readOnly(reply, P.DYNAMIC_AUTHENTICATION_TEMPLATE)), tag);
  } catch (cause) {
    throw new AgentError('card-fault', { detail: '9B: not a template', cause });
  }
  if (value?.length === blockBytes) return value;
  throw new AgentError('card-fault', { detail: `9B: not ${blockBytes} bytes` });
}

/**
 * Each side shows that it has the key. No try is counted.
 * @returns false: it is another key
 * @throws AgentError `card-fault`, `cannot-set-up`, and what the channel throws
 */
export async function authenticate(
  exchange: ApduExchange,
  algorithm: number,
  key: Uint8Array,
): Promise<boolean> {
  const kind = kindOf(algorithm);
  if (key.length !== kind.keyBytes) return false;
  const send = (...objects: readonly Buffer[]) =>
    exchange.send({
      ins: P.INS.GENERAL_AUTHENTICATE,
      p1: algorithm,
      p2: P.CARD_MANAGEMENT_KEY,
      data: writeTlv(P.DYNAMIC_AUTHENTICATION_TEMPLATE, Buffer.concat(objects)),
      expected: 256,
    });
  const asked = await send(writeTlv(P.WITNESS, Buffer.alloc(0)));
  // Another algorithm than it says.
  if (asked.sw !== SW_SUCCESS) return false;
  const witness = crypt(kind, key, readBlock(asked.data, P.WITNESS, kind.blockBytes), false);
  const challenge = randomBytes(kind.blockBytes);
  const answer = await send(writeTlv(P.WITNESS, witness), writeTlv(P.CHALLENGE, challenge));
  if (answer.sw !== SW_SUCCESS) return false;
  const response = readBlock(answer.data, P.RESPONSE, kind.blockBytes);
  // A card that takes whatever it is shown, and has not the key.
  if (!timingSafeEqual(response, crypt(kind, key, challenge, true)))
    throw new AgentError('card-fault', { detail: '9B: the card has not proved its management key' });
  return true;
}

/** @returns false: the card has another one */
export function authenticateByFactoryKey(exchange: ApduExchange, algorithm: number): Promise<boolean> {
  return authenticate(exchange, algorithm, FACTORY_KEY);
}

/** The caller releases it. @throws AgentError `cannot-set-up` */
export function newManagementKey(algorithm: number): SecretBuffer {
  const key = new SecretBuffer(kindOf(algorithm).keyBytes);
  const random = randomBytes(key.bytes.length);
  key.bytes.set(random);
  random.fill(0);
  return key;
}

/** Yubico SET MANAGEMENT KEY, without a touch. The key stays the caller's. @throws AgentError `card-fault` */
export async function setManagementKey(
  exchange: ApduExchange,
  algorithm: number,
  key: Uint8Array,
): Promise<void> {
  const data = new SecretBuffer(3 + key.length);
  try {
    data.bytes.set([algorithm, P.CARD_MANAGEMENT_KEY, key.length]);
    data.bytes.set(key, 3);
    const { sw } = await exchange.send({
      ins: P.YUBICO_INS.SET_MANAGEMENT_KEY,
      p1: 0xff,
      p2: 0xff,
      data: data.bytes,
    });
    if (sw !== SW_SUCCESS) throw failure('SET MANAGEMENT KEY', sw);
  } finally {
    data.release();
  }
}

// ykman's objects, inside their wrapper 53

/** 5FFF00: what is known of the card to everybody. */
export interface PivmanData {
  readonly flags: number;
  /** Ours: a setup has begun and is not at its end. ykman leaves tags alone that it does not know, or drops them. */
  readonly begun: boolean;
}

const PIVMAN = 0x80;
const PIVMAN_FLAGS = 0x81;
/** The management key is in the object that the PIN opens. */
export const KEY_IS_STORED = 0x02;
const PIVMAN_BEGUN = 0x8e;
const BEGUN = Buffer.from('scauth setup');
const PROTECTED = 0x88;
const PROTECTED_KEY = 0x89;

/** @param object null: there is none. @throws AgentError `malformed` */
export function readPivmanData(object: Uint8Array | null): PivmanData {
  if (object === null || object.length === 0) return { flags: 0, begun: false };
  const fields = readTlvs(readOnly(object, PIVMAN));
  return {
    flags: findTlv(fields, PIVMAN_FLAGS)?.[0] ?? 0,
    begun: findTlv(fields, PIVMAN_BEGUN)?.equals(BEGUN) === true,
  };
}

export function writePivmanData({ flags, begun }: PivmanData): Buffer {
  const mark = begun ? writeTlv(PIVMAN_BEGUN, BEGUN) : Buffer.alloc(0);
  return writeTlv(PIVMAN, Buffer.concat([writeTlv(PIVMAN_FLAGS, Buffer.from([flags])), mark]));
}

/** A view into `object`: the key in the object that the PIN opens; null: there is none, or it is somebody's printed data. */
export function readStoredKey(object: Uint8Array): Buffer | null {
  try {
    return findTlv(readTlvs(readOnly(object, PROTECTED)), PROTECTED_KEY) ?? null;
  } catch {
    return null;
  }
}

/** What PUT DATA takes for the object that the PIN opens; the caller releases it. */
export function protectedObject(key: Uint8Array): SecretBuffer {
  const inner = 2 + key.length;
  const object = new SecretBuffer(2 + inner);
  // Lengths below 80 are one byte.
  object.bytes.set([PROTECTED, inner, PROTECTED_KEY, key.length]);
  object.bytes.set(key, 4);
  return object;
}
