// The terminal's side of a card in the same process, for unit tests: sends commands, chains, fetches with GET RESPONSE.
// Knows the card's wire format only; nothing of the agent is used, so that neither hides the other's mistake.
// Specification: ISO/IEC 7816-4 section 5.1; templates of GENERAL AUTHENTICATE: SP 800-73-4 part 2, table 7.
import type { SoftwareCard } from './card.ts';
import { PIV_AID } from './constants.ts';
import { pinBlock } from './pin.ts';
import { findTlv, parseTlvs, tlv } from './tlv.ts';

/** Data and status word of a whole exchange. */
export interface Answer {
  readonly data: Buffer;
  readonly sw: number;
}

/** A card and the one program that talks to it. */
export class Terminal {
  readonly card: SoftwareCard;

  constructor(card: SoftwareCard) {
    this.card = card;
  }

  /** One command APDU as hex, one response APDU. @throws Error when the card does not answer */
  async raw(hex: string): Promise<Answer> {
    const response = await this.card.transmit(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    if (response === null) throw new Error('the card was pulled');
    return { data: response.subarray(0, -2), sw: response.readUInt16BE(response.length - 2) };
  }

  /** A short command with any amount of data: chained where it is long, with GET RESPONSE until nothing is left. */
  async send(header: string, data: Buffer = Buffer.alloc(0)): Promise<Answer> {
    let rest = data;
    for (; rest.length > 255; rest = rest.subarray(255)) {
      const part = await this.raw(`1${header.slice(1)} ff ${rest.subarray(0, 255).toString('hex')}`);
      if (part.sw !== 0x9000) return part;
    }
    const body = rest.length === 0 ? '' : Buffer.concat([Buffer.from([rest.length]), rest]).toString('hex');
    let answer = await this.raw(`${header}${body}00`);
    const parts = [answer.data];
    while (answer.sw >> 8 === 0x61) {
      answer = await this.raw(`00c00000${(answer.sw & 0xff).toString(16).padStart(2, '0')}`);
      parts.push(answer.data);
    }
    return { data: Buffer.concat(parts), sw: answer.sw };
  }

  select(): Promise<Answer> {
    return this.send('00a40400', PIV_AID);
  }

  verify(pin: string): Promise<Answer> {
    return this.raw(`0020008008${pinBlock(pin).toString('hex')}`);
  }

  /** GENERAL AUTHENTICATE with a challenge (81) or another tag; the data is the inside of the reply's 82. */
  async authenticate(algorithm: number, slot: number, challenge: Buffer, tag = 0x81): Promise<Answer> {
    const header = `0087${Buffer.from([algorithm, slot]).toString('hex')}`;
    const answer = await this.send(header, tlv(0x7c, tlv(0x82), tlv(tag, challenge)));
    const template = findTlv(parseTlvs(answer.data) ?? [], 0x7c);
    const inner = template === null ? null : findTlv(parseTlvs(template) ?? [], 0x82);
    return { data: inner ?? answer.data, sw: answer.sw };
  }

  /** GET DATA by tag as hex; the whole reply. */
  getData(tag: string): Promise<Answer> {
    return this.send('00cb3fff', tlv(0x5c, Buffer.from(tag, 'hex')));
  }
}
