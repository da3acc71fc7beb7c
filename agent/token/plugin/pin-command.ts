// The one place in a driver's APDUs where a PIN may stand: the whole body of the command that ISO 7816-4 has for it.
// Anything else could store the PIN on the card, for the driver to read it back, or set a PIN that the driver knows.
// Specification: ISO/IEC 7816-4:2020, 5.4.1 (CLA) and 11.6 (VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER).

import { AgentError } from '../../base/errors.ts';

const INS_VERIFY = 0x20;
const INS_CHANGE = 0x24;
/** VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER, each with its form for BER-TLV; ENVELOPE could wrap them. */
const SPENDS_TRIES: readonly number[] = [0x20, 0x21, 0x24, 0x25, 0x2c, 0x2d, 0xc2, 0xc3];
/** In the interindustry class: another part of the command follows. */
const CLA_CHAINING = 0x10;
const CLA_PROPRIETARY = 0x80;
const HEADER_BYTES = 5;
const LC_AT = 4;
const MAX_BODY_BYTES = 255;

/** Where a driver wants the PIN: over the bytes from `offset` on, the command ending with it where `fit` is set. */
export interface PinPlace {
  readonly offset: number;
  readonly fit: boolean;
}

/** What a call may send with a PIN. */
export interface PinUse {
  /** The PIN's reference: P2. */
  readonly reference: number;
  readonly length: number;
  /** Of the new PIN, where it is changed; null: it is verified. */
  readonly newLength: number | null;
}

function refused(detail: string): AgentError {
  return new AgentError('driver-fault', { detail });
}

/** A block of `length` bytes is for the PIN: what it does not fill is one byte of padding, again and again. */
function isPadded(block: Uint8Array, length: number): boolean {
  const padding = block.subarray(length);
  return block.length >= length && padding.every((byte) => byte === padding[0]);
}

/**
 * @param reference the id of a PIN
 * @throws AgentError `driver-fault` where it is no key reference in hex
 */
export function pinReference(id: string): number {
  if (!/^[0-9A-Fa-f]{2}$/.test(id))
    throw refused(`the PIN ${id} is not named by its key reference, two digits in hex`);
  return Number.parseInt(id, 16);
}

/**
 * Checks a command that a driver sends without the PIN: tries are spent by scauthd alone, with the PIN that a person typed.
 * @throws AgentError `driver-fault`
 */
export function checkPlain(command: Uint8Array): void {
  const [, ins = 0] = command;
  if (SPENDS_TRIES.includes(ins) && command.length > HEADER_BYTES)
    throw refused(`sends reference data of its own (INS ${ins.toString(16)})`);
}

/** Whether more of this command is to follow. */
export function isChained(command: Uint8Array): boolean {
  return ((command[0] ?? 0) & (CLA_CHAINING | CLA_PROPRIETARY)) === CLA_CHAINING;
}

/**
 * The length of the whole command with the PIN in it.
 * @param newOffset where the new PIN goes
 * @throws AgentError `driver-fault` unless the PIN is the whole body of a VERIFY, or old and new that of a CHANGE
 * REFERENCE DATA, for the reference that the person was asked for
 */
export function checkPinCommand(
  command: Uint8Array,
  { offset, fit }: PinPlace,
  newOffset: number | null,
  { reference, length, newLength }: PinUse,
): number {
  const [cla, ins, p1, p2, lc] = command;
  const wanted = newLength === null ? INS_VERIFY : INS_CHANGE;
  if (cla !== 0 || ins !== wanted || p1 !== 0 || p2 !== reference)
    throw refused(
      `wants the PIN in ${Buffer.from(command.subarray(0, 4)).toString('hex')}, and not in 00${wanted.toString(16)}00${reference.toString(16).padStart(2, '0')}`,
    );
  const body = command.subarray(HEADER_BYTES);
  const whole = offset === HEADER_BYTES && (fit || lc === body.length);
  if (!whole || (newOffset === null) !== (newLength === null) || (fit && newLength !== null))
    throw refused('gives an APDU whose body is not the PIN');
  if (fit) return HEADER_BYTES + length;
  const end = newOffset === null ? body.length : newOffset - HEADER_BYTES;
  const [old, next] = [body.subarray(0, end), body.subarray(end)];
  const fits =
    isPadded(old, length) &&
    (newLength === null || (isPadded(next, newLength) && next.length === old.length));
  if (!fits || body.length > MAX_BODY_BYTES) throw refused('gives an APDU without room for the PIN');
  return command.length;
}

/** Ends the command with what is in it. */
export function fitLength(command: Buffer): void {
  command.writeUInt8(command.length - HEADER_BYTES, LC_AT);
}
