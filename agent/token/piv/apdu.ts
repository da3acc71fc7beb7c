// Command and response APDUs over one card channel: short, chained or extended out; GET RESPONSE and 6Cxx in.
// Bounded work whatever the card says. Knows no meaning of a command.
// Specification: ISO/IEC 7816-4, 5.1 to 5.3 and 11.7; SP 800-73-4 part 2, 3.

import { AgentError } from '../../base/errors.ts';
import { SecretBuffer } from '../../base/secret.ts';
import type { CardChannel } from '../../pcsc/channel.ts';
import { CLA_CHAINING, INS } from './constants.ts';
import {
  bytesWaiting,
  statusWordOf,
  SW_SUCCESS,
  SW_WRONG_LENGTH,
  wantedLe,
  type StatusWord,
} from './status.ts';

/** Most bytes of one reply, all its pieces together. */
export const MAX_REPLY_BYTES = 64 * 1024;
/** 256 pieces of 256 bytes, and a few for cards that give less. */
const MAX_ROUNDS = 300;
/** Most APDUs of one transaction: reading a card with 24 certificates takes about 250. */
const MAX_APDUS = 1000;
const MAX_SHORT_DATA = 255;
const MAX_SHORT_REPLY = 256;

export interface Command {
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data?: Uint8Array;
  /** The reply bytes expected at most; 0 or absent: none, so no Le. */
  readonly expected?: number;
  /** How long the card may take, where it waits for the person; absent: as long as for any other command. */
  readonly patienceMs?: number;
}

export interface Reply {
  /** Without status word. */
  readonly data: Buffer;
  readonly sw: StatusWord;
}

/** The commands of one transaction. */
export class ApduExchange {
  readonly #channel: CardChannel;
  #extended: boolean;
  #apdus = 0;

  constructor(channel: CardChannel) {
    this.#channel = channel;
    this.#extended = channel.extendedLength;
  }

  /**
   * Sends one command and collects its whole reply. Our own copies of the command are wiped on each path.
   * @throws AgentError `card-fault` over the budget of bytes and rounds; what the channel throws
   */
  async send(command: Command): Promise<Reply> {
    const dataLength = command.data?.length ?? 0;
    if (this.#extended && (dataLength > MAX_SHORT_DATA || (command.expected ?? 0) > MAX_SHORT_REPLY)) {
      const reply = await this.#sendAndCollect(command, 0, dataLength, true);
      if (reply.sw !== SW_WRONG_LENGTH) return reply;
      // It said in its ATR that it does, and does not: nothing was carried out, chaining is always allowed.
      this.#extended = false;
    }
    let offset = 0;
    for (; dataLength - offset > MAX_SHORT_DATA; offset += MAX_SHORT_DATA) {
      const piece = await this.#transmit(command, offset, offset + MAX_SHORT_DATA, { more: true });
      if (piece.sw !== SW_SUCCESS) return piece;
    }
    return this.#sendAndCollect(command, offset, dataLength, false);
  }

  async #sendAndCollect(command: Command, from: number, to: number, extended: boolean): Promise<Reply> {
    let reply = await this.#transmit(command, from, to, { extended });
    // A VERIFY expects nothing: a card that asks for it once more, with a length, would get a second try.
    const le = (command.expected ?? 0) > 0 ? wantedLe(reply.sw) : null;
    if (le !== null) reply = await this.#transmit(command, from, to, { extended, le });
    const pieces = [reply.data];
    let total = reply.data.length;
    for (let round = 1; ; round++) {
      const waiting = bytesWaiting(reply.sw);
      if (waiting === null) {
        if (pieces.length === 1) return { data: reply.data, sw: reply.sw };
        const data = Buffer.concat(pieces);
        // Some replies are secrets: who gets the whole wipes it.
        for (const piece of pieces) piece.fill(0);
        return { data, sw: reply.sw };
      }
      if (round > MAX_ROUNDS) throw new AgentError('card-fault', { detail: 'the reply does not end' });
      reply = await this.#getResponse(waiting);
      if (reply.data.length === 0 && bytesWaiting(reply.sw) !== null) {
        throw new AgentError('card-fault', { detail: '61xx, and then nothing' });
      }
      pieces.push(reply.data);
      total += reply.data.length;
      if (total > MAX_REPLY_BYTES) throw new AgentError('card-fault', { detail: 'the reply is too long' });
    }
  }

  async #getResponse(expected: number): Promise<Reply> {
    const command: Command = { ins: INS.GET_RESPONSE, p1: 0, p2: 0, expected };
    const reply = await this.#transmit(command, 0, 0, {});
    const le = wantedLe(reply.sw);
    return le === null ? reply : this.#transmit(command, 0, 0, { le });
  }

  /** Sends the bytes `from` to `to` of a command's data as one APDU. */
  async #transmit(
    { ins, p1, p2, data, expected = 0, patienceMs }: Command,
    from: number,
    to: number,
    { more = false, extended = false, le }: { more?: boolean; extended?: boolean; le?: number },
  ): Promise<Reply> {
    if (++this.#apdus > MAX_APDUS) throw new AgentError('card-fault', { detail: 'too many commands' });
    const length = to - from;
    const hasLe = !more && (expected > 0 || le !== undefined);
    const lcBytes = length === 0 ? 0 : extended ? 3 : 1;
    // The extended form starts with 00 once: with Lc, or with Le where there is no Lc.
    const leBytes = !hasLe ? 0 : !extended ? 1 : length === 0 ? 3 : 2;
    const apdu = new SecretBuffer(4 + lcBytes + length + leBytes);
    try {
      const { bytes } = apdu;
      bytes.set([more ? CLA_CHAINING : 0, ins, p1, p2]);
      if (lcBytes === 1) bytes.writeUInt8(length, 4);
      if (lcBytes === 3) bytes.writeUIntBE(length, 4, 3);
      if (data !== undefined) bytes.set(data.subarray(from, to), 4 + lcBytes);
      if (leBytes === 1) bytes.writeUInt8((le ?? Math.min(expected, 256)) & 0xff, 4 + lcBytes + length);
      // An extended Le of 0000 (as the buffer starts): all that there is.
      if (extended && le !== undefined) bytes.writeUInt8(le, bytes.length - 1);
      const response = await this.#channel.transmit(bytes, patienceMs);
      return { data: response.subarray(0, Math.max(0, response.length - 2)), sw: statusWordOf(response) };
    } finally {
      apdu.release();
    }
  }
}
