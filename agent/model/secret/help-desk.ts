// A challenge that a person reads to a help desk over the telephone, and its answer, by which this machine gets at the PUK of
// the card whose PIN is blocked. The machine alone cannot: the PUK lies here under a code that only the officer's seed gives.
// The answer is that code under a mask of this challenge's own, so that who listens learns nothing for another one; the state
// that makes masks goes on before a challenge is shown, so that who finds the machine later cannot take the mask off.
// HKDF (RFC 5869), HMAC-SHA-256, scrypt (RFC 7914), AES-256-GCM. What it is good against: THREATS.md M41, U31, U32.
// Why: DECISIONS.md D252, D253.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  randomInt,
} from 'node:crypto';
import { ByteReader } from '../../base/bytes.ts';
import { AgentError } from '../../base/errors.ts';
import { Pin } from '../../base/pin.ts';
import { SecretBuffer } from '../../base/secret.ts';
import { grouped, readSymbols, stretched } from './code-symbols.ts';
import type { Pkhh } from '../key/key.ts';

const LABEL = 'scauth help desk';
const VERSION = 1;
export const SEED_BYTES = 32;
const STATE_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 32 MiB and some 100 ms; the code's 70 bits are what keeps out who has the disk. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** 70 bits, and two symbols that check them. */
const CODE_SYMBOLS = 14;
const CHECK_SYMBOLS = 2;
const ANSWER_SYMBOLS = CODE_SYMBOLS + CHECK_SYMBOLS;
/** Which challenge of this card it is (15 bits), what is random in it (20), and one symbol that checks both. */
const INDEX_SYMBOLS = 3;
const RANDOM_SYMBOLS = 4;
const CHALLENGE_SYMBOLS = INDEX_SYMBOLS + RANDOM_SYMBOLS + 1;
const GROUP = 4;
export const MOST_CHALLENGES = 2 ** (5 * INDEX_SYMBOLS);

/** Which card of which machine it is about. */
export interface DeskBinding {
  readonly hostId: Uint8Array;
  /** The card's key for logins. */
  readonly pkhh: Pkhh;
}

/** What the machine keeps of one card. */
export interface DeskRecord {
  /** How many challenges there were. */
  readonly index: number;
  /** Makes the mask of the next one. */
  readonly state: Buffer;
  readonly salt: Buffer;
  readonly nonce: Buffer;
  /** The PUK under the code, with its tag. */
  readonly hidden: Buffer;
}

/** A challenge that was shown, and what takes the mask off its answer. */
export interface DeskChallenge {
  readonly symbols: Buffer;
  readonly mask: Buffer;
}

function contextOf(what: string, { hostId, pkhh }: DeskBinding): Buffer {
  return createHash('sha256')
    .update(`${LABEL}\0${VERSION}\0${what}\0`)
    .update(createHash('sha256').update(hostId).digest())
    .update(pkhh)
    .digest();
}

const derive = (seed: Uint8Array, what: string, binding: DeskBinding, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', seed, LABEL, contextOf(what, binding), length));

/** One symbol of each byte. */
const symbolsOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte & 31));

const codeOf = (seed: Uint8Array, binding: DeskBinding): Buffer =>
  symbolsOf(derive(seed, 'code', binding, CODE_SYMBOLS));

const firstState = (seed: Uint8Array, binding: DeskBinding): Buffer =>
  derive(seed, 'state', binding, STATE_BYTES);

const after = (state: Uint8Array): Buffer => createHmac('sha256', state).update('next').digest();

function maskOf(state: Uint8Array, challenge: Uint8Array): Buffer {
  const mac = createHmac('sha256', state).update('mask').update(challenge).digest();
  return symbolsOf(mac.subarray(0, CODE_SYMBOLS));
}

const xor = (one: Uint8Array, other: Uint8Array): Buffer =>
  Buffer.from(one.map((byte, at) => byte ^ (other[at] ?? 0)));

/**
 * The one symbol behind a challenge: the others as a polynomial over GF(2^5) (x^5 + x^2 + 1), so that one that was misheard,
 * or two that changed places, are always noticed.
 */
function checkOfChallenge(symbols: Uint8Array): Buffer {
  let check = 0;
  for (const symbol of symbols) {
    check = (check ^ symbol) << 1;
    if (check > 31) check ^= 0b100101;
  }
  return Buffer.of(check);
}

function checkOfAnswer(masked: Uint8Array, challenge: Uint8Array): Buffer {
  const hash = createHash('sha256').update(`${LABEL} answer`).update(masked).update(challenge);
  return symbolsOf(hash.digest().subarray(0, CHECK_SYMBOLS));
}

/** What the machine keeps from now on. Wipes nothing of what it is given. */
export async function newDeskRecord(seed: Uint8Array, puk: Pin, binding: DeskBinding): Promise<DeskRecord> {
  const [salt, nonce, code] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES), codeOf(seed, binding)];
  const key = await stretched(code, salt, COST);
  try {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(contextOf('puk', binding));
    const hidden = puk.peek((bytes) => Buffer.concat([cipher.update(bytes), cipher.final()]));
    const sealed = Buffer.concat([hidden, cipher.getAuthTag()]);
    return { index: 0, state: firstState(seed, binding), salt, nonce, hidden: sealed };
  } finally {
    key.fill(0);
    code.fill(0);
  }
}

/**
 * The next challenge. What is returned beside it has to be kept before it is shown to anybody.
 * @throws AgentError `not-supported` when there were too many
 */
export function nextChallenge(record: DeskRecord): { challenge: DeskChallenge; record: DeskRecord } {
  const { index, state } = record;
  if (index >= MOST_CHALLENGES) throw new AgentError('not-supported', { detail: 'no challenge is left' });
  const symbols = Buffer.from([
    ...[index >> 10, index >> 5, index].map((part) => part & 31),
    ...Array.from({ length: RANDOM_SYMBOLS }, () => randomInt(32)),
  ]);
  const whole = Buffer.concat([symbols, checkOfChallenge(symbols)]);
  const mask = maskOf(state, whole);
  return {
    challenge: { symbols: whole, mask },
    record: { ...record, index: index + 1, state: after(state) },
  };
}

/** `ABCD-EFGH` */
export function challengeText({ symbols }: DeskChallenge): string {
  return grouped(symbols, GROUP).toString('latin1');
}

/**
 * The help desk's answer, in groups of four.
 * @param challenge as it was read to them
 * @returns the caller wipes it
 * @throws AgentError `malformed`: it is no challenge, or was misheard
 */
export function answerTo(challenge: Pin, seed: Uint8Array, binding: DeskBinding): Pin {
  const read = readSymbols(challenge, CHALLENGE_SYMBOLS);
  const symbols = Buffer.from(read?.bytes ?? []);
  read?.release();
  const body = symbols.subarray(0, CHALLENGE_SYMBOLS - 1);
  if (symbols.length === 0 || !checkOfChallenge(body).equals(symbols.subarray(-1)))
    throw new AgentError('malformed', { detail: 'no challenge of the help desk' });
  const index = ((symbols[0] ?? 0) << 10) | ((symbols[1] ?? 0) << 5) | (symbols[2] ?? 0);
  let state = firstState(seed, binding);
  for (let at = 0; at < index; at += 1) state = after(state);
  const code = codeOf(seed, binding);
  const masked = xor(code, maskOf(state, symbols));
  const text = grouped(Buffer.concat([masked, checkOfAnswer(masked, symbols)]), GROUP);
  const answer = new Pin(text);
  for (const bytes of [state, code, masked, text]) bytes.fill(0);
  return answer;
}

/**
 * The PUK, by the answer to this very challenge.
 * @param typed stays the caller's
 * @returns `malformed`: misheard, mistyped, or an answer to another challenge; `wrong`: it opens nothing. The caller wipes the PUK.
 */
export async function pukByAnswer(
  typed: Pin,
  { symbols, mask }: DeskChallenge,
  { salt, nonce, hidden }: DeskRecord,
  binding: DeskBinding,
): Promise<Pin | 'malformed' | 'wrong'> {
  const read = readSymbols(typed, ANSWER_SYMBOLS);
  if (read === null) return 'malformed';
  const code = new SecretBuffer(CODE_SYMBOLS);
  let key: Buffer | null = null;
  try {
    const masked = read.bytes.subarray(0, CODE_SYMBOLS);
    const check = checkOfAnswer(masked, symbols);
    if (!check.equals(read.bytes.subarray(CODE_SYMBOLS))) return 'malformed';
    code.bytes.set(xor(masked, mask));
    key = await stretched(code.bytes, salt, COST);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(contextOf('puk', binding));
    decipher.setAuthTag(hidden.subarray(-TAG_BYTES));
    const shown = decipher.update(hidden.subarray(0, -TAG_BYTES));
    try {
      decipher.final();
      return new Pin(shown);
    } catch {
      return 'wrong';
    } finally {
      shown.fill(0);
    }
  } finally {
    read.release();
    code.release();
    key?.fill(0);
  }
}

/** As it is kept. */
export function encodeDeskRecord({ index, state, salt, nonce, hidden }: DeskRecord): Buffer {
  return Buffer.concat([Buffer.from([VERSION, index >> 8, index & 0xff]), state, salt, nonce, hidden]);
}

/** @throws AgentError `malformed` */
export function parseDeskRecord(bytes: Uint8Array): DeskRecord {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== VERSION) throw new AgentError('malformed', { detail: 'help desk record: version' });
  const index = reader.u16();
  const [state, salt, nonce] = [
    reader.bytes(STATE_BYTES),
    reader.bytes(SALT_BYTES),
    reader.bytes(NONCE_BYTES),
  ];
  const hidden = reader.bytes(reader.remaining);
  if (hidden.length <= TAG_BYTES) throw new AgentError('malformed', { detail: 'help desk record: length' });
  return { index, state, salt, nonce, hidden };
}
