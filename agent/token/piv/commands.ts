// The PIV commands that we send, by name. Which words they may get is in status.ts, in which order they are sent in token.ts.
// Specification: SP 800-73-4 part 2, 3.1 (data) and 3.2 (authentication); Yubico's extensions.

import { AgentError } from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { writeTlv } from '../../base/tlv.ts';
import type { PadEntry, PinPad } from '../../pcsc/channel.ts';
import { MAX_REPLY_BYTES, type ApduExchange, type Reply } from './apdu.ts';
import * as P from './constants.ts';
import { failure, SW_NO_ROOM, SW_SUCCESS, type StatusWord } from './status.ts';

/** SELECT the PIV application; what was verified stays verified on some cards, and is lost on others. */
export async function select(exchange: ApduExchange): Promise<StatusWord> {
  const reply = await exchange.send({ ins: P.INS.SELECT, p1: 0x04, p2: 0, data: P.PIV_AID, expected: 256 });
  return reply.sw;
}

/** GET DATA of one object; the reply still has its wrapper (53, except Discovery). */
export function getData(exchange: ApduExchange, tag: number): Promise<Reply> {
  const tagBytes = tag > 0xff ? Buffer.from([tag >> 16, (tag >> 8) & 0xff, tag & 0xff]) : Buffer.from([tag]);
  const data = writeTlv(P.TAG_LIST, tagBytes);
  return exchange.send({ ins: P.INS.GET_DATA, p1: 0x3f, p2: 0xff, data, expected: MAX_REPLY_BYTES });
}

/** @throws AgentError `cannot-set-up` for ISO/IEC 7816-4's "not enough memory space in the file" */
export function requireRoom(sw: StatusWord): void {
  if (sw === SW_NO_ROOM)
    throw new AgentError('cannot-set-up', {
      say: 'it has no room left. Delete what it does not need (certificates of other programs), or take another card',
    });
}

/** PUT DATA of one object, in its wrapper 53. @throws AgentError `card-fault`, `cannot-set-up` (no room), and what the channel throws */
export async function putData(exchange: ApduExchange, tag: number, object: Uint8Array): Promise<void> {
  const tagBytes = Buffer.from([tag >> 16, (tag >> 8) & 0xff, tag & 0xff]);
  const whole = [writeTlv(P.TAG_LIST, tagBytes), writeTlv(P.DISCRETIONARY_DATA, object)];
  const data = Buffer.concat(whole);
  try {
    const { sw } = await exchange.send({ ins: P.INS.PUT_DATA, p1: 0x3f, p2: 0xff, data });
    requireRoom(sw);
    if (sw !== SW_SUCCESS) throw failure('PUT DATA', sw);
  } finally {
    // One of them is a secret.
    for (const piece of [...whole, data]) piece.fill(0);
  }
}

/** VERIFY without a body: asks for the tries, spends none. No Lc at all. */
export async function emptyVerify(exchange: ApduExchange, pinReference: number): Promise<StatusWord> {
  return (await exchange.send({ ins: P.INS.VERIFY, p1: 0, p2: pinReference })).sw;
}

/**
 * VERIFY with a PIN of at most 8 bytes; the block is wiped on each path, the PIN is the caller's.
 */
export async function verify(
  exchange: ApduExchange,
  pinReference: number,
  pin: Uint8Array,
): Promise<StatusWord> {
  const block = new SecretBuffer(P.PIN_BLOCK_BYTES);
  try {
    block.bytes.fill(P.PIN_PADDING);
    block.bytes.set(pin);
    return (await exchange.send({ ins: P.INS.VERIFY, p1: 0, p2: pinReference, data: block.bytes })).sw;
  } finally {
    block.release();
  }
}

/** The VERIFY into which a reader's PIN pad puts what is typed: the whole APDU, its block all padding. */
export function padEntry(pinReference: number, { minDigits, maxDigits }: PinPad): PadEntry {
  const block = Buffer.alloc(P.PIN_BLOCK_BYTES, P.PIN_PADDING);
  return {
    command: Buffer.concat([Buffer.from([0, P.INS.VERIFY, 0, pinReference, block.length]), block]),
    blockBytes: block.length,
    minDigits: Math.max(P.PIN_MIN_BYTES, minDigits),
    maxDigits: Math.min(P.PIN_BLOCK_BYTES, maxDigits),
  };
}

/** VERIFY with P1 = FF: back to unverified (SP 800-73-4 and later; older cards refuse or ignore it). */
export async function deVerify(exchange: ApduExchange, pinReference: number): Promise<StatusWord> {
  const p1 = P.VERIFY_P1_RESET_SECURITY_STATUS;
  return (await exchange.send({ ins: P.INS.VERIFY, p1, p2: pinReference })).sw;
}

/**
 * GENERAL AUTHENTICATE: a private-key operation on `challenge`. The empty 82 must be there.
 * @param tag EXPONENTIATION for a point to agree with
 */
export function generalAuthenticate(
  exchange: ApduExchange,
  mechanism: number,
  keyReference: number,
  challenge: Uint8Array,
  patienceMs?: number,
  tag: number = P.CHALLENGE,
): Promise<Reply> {
  const template = Buffer.concat([writeTlv(P.RESPONSE, Buffer.alloc(0)), writeTlv(tag, challenge)]);
  return exchange.send({
    ins: P.INS.GENERAL_AUTHENTICATE,
    p1: mechanism,
    p2: keyReference,
    data: writeTlv(P.DYNAMIC_AUTHENTICATION_TEMPLATE, template),
    // The reply of RSA is a little longer than the challenge, which is as long as the modulus.
    expected: challenge.length > 200 ? challenge.length + 16 : 256,
    ...(patienceMs !== undefined && { patienceMs }),
  });
}

/** Yubico GET METADATA of a key or PIN reference. */
export function getMetadata(exchange: ApduExchange, reference: number): Promise<Reply> {
  return exchange.send({ ins: P.YUBICO_INS.GET_METADATA, p1: 0, p2: reference, expected: MAX_REPLY_BYTES });
}

/** Yubico ATTEST: a certificate for the key of this reference, by slot F9. */
export function attest(exchange: ApduExchange, keyReference: number): Promise<Reply> {
  return exchange.send({ ins: P.YUBICO_INS.ATTEST, p1: keyReference, p2: 0, expected: MAX_REPLY_BYTES });
}

/** Yubico GET SERIAL: four bytes. */
function getSerial(exchange: ApduExchange): Promise<Reply> {
  return exchange.send({ ins: P.YUBICO_INS.GET_SERIAL, p1: 0, p2: 0, expected: 256 });
}

/** The maker's number; null: it does not say. */
export async function readSerial(exchange: ApduExchange): Promise<string | null> {
  const { data, sw } = await getSerial(exchange);
  return sw === SW_SUCCESS && data.length === 4 ? String(data.readUInt32BE()) : null;
}

/** Yubico GET VERSION: `5.7.1`; null: a card without Yubico's instructions. */
export async function getVersion(exchange: ApduExchange): Promise<readonly [number, number, number] | null> {
  const { data, sw } = await exchange.send({ ins: P.YUBICO_INS.GET_VERSION, p1: 0, p2: 0, expected: 256 });
  const [major, minor, patch] = data;
  if (sw !== SW_SUCCESS || data.length !== 3) return null;
  return [major ?? 0, minor ?? 0, patch ?? 0];
}

/**
 * Yubico SET PIN RETRIES: PIN and PUK are the factory's again, with so many tries each. Wants PIN and management key.
 * @throws AgentError `card-fault`, and what the channel throws
 */
export async function setPinRetries(
  exchange: ApduExchange,
  pinTries: number,
  pukTries: number,
): Promise<void> {
  const { sw } = await exchange.send({ ins: P.YUBICO_INS.SET_PIN_RETRIES, p1: pinTries, p2: pukTries });
  if (sw !== SW_SUCCESS) throw failure('SET PIN RETRIES', sw);
}
