// Card slots for unit tests: the software card in this process, and a channel that answers whatever a test says.
// They keep what pcscd would: one transaction at a time, how it was closed, and that the card can be gone.

import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import type { CardChannel, CardSlot } from '../../../../agent/pcsc/channel.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import { PivToken } from '../../../../agent/token/piv/token.ts';
import { SoftwareCard } from '../../../kit/card/card.ts';
import { makeProfile, type CardOptions } from '../../../kit/card/profile.ts';

export type Disposition = 'leave' | 'reset';

/** What a test sees of the traffic: each command as hex, and how each transaction ended. */
export interface Traffic {
  readonly commands: string[];
  readonly closed: Disposition[];
}

/** The software card as a slot. */
export class SoftwareSlot implements CardSlot, Traffic {
  readonly reader = 'test reader';
  /** Another one is a card that was swapped before anybody has noticed. */
  card: SoftwareCard;
  readonly commands: string[] = [];
  readonly closed: Disposition[] = [];
  /** The buffers that were handed to transmit, to look at them afterwards. */
  readonly sent: Uint8Array[] = [];
  open_ = 0;

  constructor(options: CardOptions = {}) {
    this.card = new SoftwareCard(makeProfile(options));
    this.card.power();
  }

  get atr(): Buffer {
    return this.card.atr();
  }

  /** Instructions since the last look, as hex. */
  instructions(): string {
    return this.commands
      .splice(0)
      .map((command) => command.slice(2, 4))
      .join(' ');
  }

  async open(): Promise<CardChannel> {
    if (this.open_ > 0) throw new AgentError('card-busy');
    this.open_ += 1;
    return Promise.resolve({
      extendedLength: this.card.transport.extended,
      transmit: async (command) => {
        this.commands.push(Buffer.from(command).toString('hex'));
        this.sent.push(command);
        const reply = await this.card.transmit(Buffer.from(command));
        if (reply === null) throw new AgentError('no-card');
        return reply;
      },
      close: (disposition) => {
        this.open_ -= 1;
        this.closed.push(disposition);
        if (disposition === 'reset') this.card.power();
        return Promise.resolve(true);
      },
    });
  }
}

/** Answers each command with what `answer` returns (data and status word as hex), or throws what it throws. */
export class ScriptedSlot implements CardSlot, Traffic {
  readonly reader = 'test reader';
  readonly atr: Buffer;
  readonly commands: string[] = [];
  readonly closed: Disposition[] = [];
  readonly #answer: (command: string, index: number) => string;
  readonly #extendedLength: boolean;

  constructor(answer: (command: string, index: number) => string, extendedLength = false, atr = '3B00') {
    this.#answer = answer;
    this.#extendedLength = extendedLength;
    this.atr = Buffer.from(atr, 'hex');
  }

  open(): Promise<CardChannel> {
    return Promise.resolve({
      extendedLength: this.#extendedLength,
      transmit: async (command) => {
        const hex = Buffer.from(command).toString('hex').toUpperCase();
        this.commands.push(hex);
        return Promise.resolve(Buffer.from(this.#answer(hex, this.commands.length - 1), 'hex'));
      },
      close: (disposition) => {
        this.closed.push(disposition);
        return Promise.resolve(true);
      },
    });
  }
}

/** Reads the card of a slot as the registry does. */
export async function probe(slot: CardSlot, driver = new PivDriver()): Promise<PivToken | null> {
  const channel = await slot.open();
  try {
    const token = await driver.probe(channel, slot);
    if (token !== null && !(token instanceof PivToken)) throw new Error('not a PIV token');
    return token;
  } finally {
    await channel.close('leave');
  }
}

/** A software card that has been read; the traffic of reading it is forgotten. */
export async function insert(options: CardOptions = {}): Promise<{ slot: SoftwareSlot; token: PivToken }> {
  const slot = new SoftwareSlot(options);
  const token = await probe(slot);
  if (token === null) throw new Error('the software card was not recognised');
  forget(slot);
  return { slot, token };
}

/** The same, and its PIN was used before: that its de-verify works has been seen. */
export async function insertKnown(
  options: CardOptions = {},
): Promise<{ slot: SoftwareSlot; token: PivToken }> {
  const { slot, token } = await insert(options);
  await token.verifyPin({ pin: new Pin(Buffer.from('123456')), permit: () => undefined });
  forget(slot);
  return { slot, token };
}

function forget(slot: SoftwareSlot): void {
  slot.commands.length = 0;
  slot.closed.length = 0;
  slot.sent.length = 0;
}
