// One line of the audit log and its seal: what scauthd writes and what `sc_auth audit verify` checks. Pure; no I/O.
// The chain is that of Schneier and Kelsey ("Secure Audit Logs to Support Computer Forensics", 1999): the key of each
// record comes out of the one before by a one-way step, and the one before is erased.
//
//   C[n+1] ‖ R[n] = SHA-512("scauth audit 1" ‖ NUL ‖ C[n])        32 bytes each
//   seal[n]       = HMAC-SHA-256(R[n], all bytes of the line before `,"seal":`)
//
// Each line carries its number (metadata.sequence) and the seal of the line before it (unmapped.prev), so that a seal
// that is known from outside fixes all lines up to it.

import { hash } from 'node:crypto';

/** Characters of a seal: 32 bytes in base64url. */
const SEAL_CHARS = 43;
/** Longest line that is read; a line of ours is below 16 KiB. */
export const MAX_LINE_BYTES = 65_536;

const KEY_BYTES = 32;
const LABEL = Buffer.from('scauth audit 1\0');
const CHAIN_LABEL = Buffer.from('scauth audit chain\0');
const MARK = Buffer.from(',"seal":"');
const PREV = Buffer.from('"prev":"');
const END = Buffer.from('"}}');
const HEAD = Buffer.from('{"time":');
const SEQUENCE = Buffer.from(',"metadata":{"sequence":');

/** Where the chain stands: the record that is written next. */
export interface ChainPosition {
  readonly sequence: number;
  /** C[sequence]; whoever steps on wipes it. */
  readonly key: Buffer;
  /** Seal of the record before; the chain's name before the first. */
  readonly prev: string;
}

/** The name of a chain, public: what the first record has in place of a previous seal. */
export function chainName(firstKey: Uint8Array): string {
  return hash('sha256', Buffer.concat([CHAIN_LABEL, firstKey]), 'base64url');
}

/** C[n] → C[n+1] and R[n]. The caller wipes all three. */
export function stepKey(key: Uint8Array): { next: Buffer; record: Buffer } {
  const input = Buffer.alloc(LABEL.length + KEY_BYTES);
  LABEL.copy(input);
  input.set(key, LABEL.length);
  const out = hash('sha512', input, 'buffer');
  input.fill(0);
  return { next: out.subarray(0, KEY_BYTES), record: out.subarray(KEY_BYTES) };
}

const BLOCK = 64;
const inner = Buffer.alloc(BLOCK + MAX_LINE_BYTES);
const outer = Buffer.alloc(BLOCK + 32);

/**
 * HMAC-SHA-256 (RFC 2104) by two one-shot hashes: Node's Hmac objects take four times as long for such short texts.
 * @param key 32 bytes
 * @param text at most MAX_LINE_BYTES
 */
export function sealOf(key: Uint8Array, text: Uint8Array): string {
  for (let at = 0; at < BLOCK; at += 1) {
    const byte = key[at] ?? 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.set(text, BLOCK);
  hash('sha256', inner.subarray(0, BLOCK + text.length), 'buffer').copy(outer, BLOCK);
  const seal = hash('sha256', outer, 'base64url');
  inner.fill(0, 0, BLOCK);
  outer.fill(0);
  return seal;
}

/**
 * A record as its line, with the number and seal of the chain's position.
 * @param record its `metadata` comes right behind `time`, and `unmapped` is its last member
 */
export function sealLine(
  record: { readonly time: number; readonly metadata: object; readonly unmapped: object },
  position: ChainPosition,
): { line: Buffer; seal: string; next: Buffer } {
  const { time, metadata, unmapped, ...rest } = record;
  const text = JSON.stringify({
    time,
    metadata: { sequence: position.sequence, ...metadata },
    ...rest,
    unmapped: { ...unmapped, prev: position.prev },
  });
  const signed = Buffer.from(text.slice(0, -'}}'.length));
  const { next, record: key } = stepKey(position.key);
  const seal = sealOf(key, signed);
  key.fill(0);
  return { line: Buffer.concat([signed, MARK, Buffer.from(`${seal}${END.toString()}\n`)]), seal, next };
}

/** The parts of a sealed line; texts are as they stand there, not believed. */
export interface SealedLine {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly prev: string;
  readonly seal: string;
  /** What the seal covers. */
  readonly signed: Buffer;
}

/** A whole number in decimal digits at `from`, and where it ends; null if there is none. */
function numberAt(line: Buffer, from: number): { value: number; end: number } | null {
  let value = 0;
  let at = from;
  for (; at < line.length && at < from + 16; at += 1) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return at === from || !Number.isSafeInteger(value) ? null : { value, end: at };
}

function startsAt(line: Buffer, part: Buffer, at: number): boolean {
  return at >= 0 && at + part.length <= line.length && part.compare(line, at, at + part.length) === 0;
}

/** The time of a line of ours, milliseconds since the epoch; null when it does not begin as one. */
export function timeOf(line: Buffer): number | null {
  return startsAt(line, HEAD, 0) ? (numberAt(line, HEAD.length)?.value ?? null) : null;
}

/**
 * Takes a line apart (without its newline).
 * @returns null when it is not a sealed line in our form
 */
export function parseSealedLine(line: Buffer): SealedLine | null {
  const sealAt = line.length - END.length - SEAL_CHARS;
  const markAt = sealAt - MARK.length;
  const prevAt = markAt - 1 - SEAL_CHARS;
  if (!startsAt(line, END, line.length - END.length) || !startsAt(line, MARK, markAt)) return null;
  if (line[markAt - 1] !== 0x22 || !startsAt(line, PREV, prevAt - PREV.length)) return null;
  if (!startsAt(line, HEAD, 0)) return null;
  const time = numberAt(line, HEAD.length);
  if (time === null || !startsAt(line, SEQUENCE, time.end)) return null;
  const sequence = numberAt(line, time.end + SEQUENCE.length);
  if (sequence === null || (line[sequence.end] !== 0x2c && line[sequence.end] !== 0x7d)) return null;
  return {
    sequence: sequence.value,
    timeMs: time.value,
    prev: line.toString('latin1', prevAt, prevAt + SEAL_CHARS),
    seal: line.toString('latin1', sealAt, sealAt + SEAL_CHARS),
    signed: line.subarray(0, markAt),
  };
}

/** A verification key as people keep it: base64url of the chain's first key. @returns null when it is none */
export function parseVerificationKey(text: string): Buffer | null {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9_-]{43}$/.test(trimmed)) return null;
  const key = Buffer.from(trimmed, 'base64url');
  return key.length === KEY_BYTES ? key : null;
}
