// A PIV card in a transaction of its own, with the application selected.

import { AgentError } from '../../base/errors.ts';
import { orLeave, type CardChannel, type CardSlot, type PinPad } from '../../pcsc/channel.ts';
import { ApduExchange } from './apdu.ts';
import { select } from './commands.ts';
import { failure, SW_SUCCESS } from './status.ts';

export interface OpenCard {
  readonly channel: CardChannel;
  readonly exchange: ApduExchange;
}

/** @throws AgentError `card-fault` where the PIV application does not answer (any more), and what the channel throws */
export async function openCard(slot: CardSlot): Promise<OpenCard> {
  const channel = await slot.open();
  const exchange = new ApduExchange(channel);
  await orLeave(channel, async () => {
    const sw = await select(exchange);
    if (sw !== SW_SUCCESS) throw failure('SELECT', sw);
  });
  return { channel, exchange };
}

/** The reader's pad, which was there when the card went in. @throws AgentError `card-fault` */
export async function padOf(channel: CardChannel): Promise<PinPad> {
  const pad = (await channel.pinPad?.()) ?? null;
  if (pad === null) throw new AgentError('card-fault', { detail: 'the reader has no PIN pad any more' });
  return pad;
}
