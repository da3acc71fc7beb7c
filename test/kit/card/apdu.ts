// Command APDUs, short and extended, and the transport rules around them: command chaining, 61xx and GET RESPONSE.
// Knows no instruction but GET RESPONSE; what a command means is the applet's business.
// Specification: ISO/IEC 7816-4 sections 5.1 (cases), 5.1.1.1 (chaining), 11.7.1 (GET RESPONSE).
import { INS, SW } from './constants.ts';
import type { Reply } from './constants.ts';

/** A command as the applet sees it: unchained, with all of its data. */
export interface Command {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Buffer;
  /** Bytes that the terminal takes; null = no Le field. Short 00 is 256, extended 0000 is 65536. */
  readonly le: number | null;
  readonly extended: boolean;
}

/** Parses a command APDU of one of the seven cases; null where the lengths do not fit. */
export function parseCommand(bytes: Buffer): Command | null {
  if (bytes.length < 4) return null;
  const [cla = 0, ins = 0, p1 = 0, p2 = 0] = bytes;
  const make = (data: Buffer, le: number | null, extended: boolean): Command => ({
    ...{ cla, ins, p1, p2, data, le, extended },
  });
  const none = Buffer.alloc(0);
  const body = bytes.subarray(4);
  const first = body[0];
  if (first === undefined) return make(none, null, false);
  if (body.length === 1) return make(none, first === 0 ? 256 : first, false);
  if (first !== 0) {
    const data = body.subarray(1, 1 + first);
    if (body.length === 1 + first) return make(data, null, false);
    if (body.length === 2 + first) return make(data, body.readUInt8(1 + first) || 256, false);
    return null;
  }
  if (body.length < 3) return null;
  const length = body.readUInt16BE(1);
  if (body.length === 3) return make(none, length || 65536, true);
  if (length === 0) return null;
  const data = body.subarray(3, 3 + length);
  if (body.length === 3 + length) return make(data, null, true);
  if (body.length === 5 + length) return make(data, body.readUInt16BE(3 + length) || 65536, true);
  return null;
}

/** Largest command that a chain may add up to, bytes. */
const MAX_CHAIN = 0x10000;
/** Bit of CLA that says: more of this command follows. */
const CLA_CHAINING = 0x10;
/** vpcd counts a message in 16 bits, the status word included. */
const MAX_EXTENDED_REPLY = 0xffff - 2;

/** Joins chained commands, hands them to the applet and cuts its replies into response APDUs. */
export class ApduTransport {
  /** Whether extended APDUs are accepted; otherwise they get 6700. */
  extended: boolean;
  readonly #process: (command: Command) => Reply;
  #chain: { readonly ins: number; readonly p1: number; readonly p2: number; data: Buffer } | null = null;
  #pending: Reply | null = null;

  constructor(process: (command: Command) => Reply, extended: boolean) {
    this.#process = process;
    this.extended = extended;
  }

  /** Forgets what was half sent and half received (power, reset). */
  reset(): void {
    this.#chain = null;
    this.#pending = null;
  }

  /** One command APDU in, one response APDU out (data and status word). */
  transmit(bytes: Buffer): Buffer {
    const command = parseCommand(bytes);
    if (command === null || (command.extended && !this.extended)) return this.#refuse(SW.WRONG_LENGTH);
    if ((command.cla & ~CLA_CHAINING) !== 0) return this.#refuse(SW.CLA_NOT_SUPPORTED);
    if (command.ins === INS.GET_RESPONSE && this.#pending !== null)
      return this.#respond(this.#pending, command);
    this.#pending = null;
    const chain = this.#chain;
    const continues =
      chain !== null && chain.ins === command.ins && chain.p1 === command.p1 && chain.p2 === command.p2;
    const data = continues ? Buffer.concat([chain.data, command.data]) : command.data;
    if (data.length > MAX_CHAIN) return this.#refuse(SW.WRONG_LENGTH);
    if (chain !== null && !continues && (command.cla & CLA_CHAINING) === 0) {
      // ISO/IEC 7816-4: an unfinished chain followed by another command is an error only where the card says so;
      // like the cards that we copy, forget the chain and process the command.
      this.#chain = null;
    }
    if ((command.cla & CLA_CHAINING) !== 0) {
      this.#chain = { ins: command.ins, p1: command.p1, p2: command.p2, data };
      return statusBytes(SW.SUCCESS);
    }
    this.#chain = null;
    return this.#respond(this.#process({ ...command, data }), command);
  }

  /** Whether the command APDU being handled only continues a chain (for the "PIN always" rule and the log). */
  get chaining(): boolean {
    return this.#chain !== null;
  }

  #refuse(sw: number): Buffer {
    this.reset();
    return statusBytes(sw);
  }

  #respond(reply: Reply, command: Command): Buffer {
    const wanted = command.le ?? 256;
    const room = Math.min(wanted, command.extended ? MAX_EXTENDED_REPLY : 256);
    if (reply.data.length <= room) {
      this.#pending = null;
      return Buffer.concat([reply.data, statusBytes(reply.sw)]);
    }
    const rest = reply.data.subarray(room);
    this.#pending = { data: rest, sw: reply.sw };
    const more = SW.MORE_DATA | (rest.length > 0xff ? 0 : rest.length);
    return Buffer.concat([reply.data.subarray(0, room), statusBytes(more)]);
  }
}

/** A status word as its two bytes. */
export function statusBytes(sw: number): Buffer {
  return Buffer.from([sw >> 8, sw & 0xff]);
}
