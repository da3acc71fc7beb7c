// Cards that are in a reader and in no list of keys: no driver knows them, or they could not be read.

import type { WireReader } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
import { reader as words, unread as say } from '../../words/commands.ts';
import type { CommandContext } from '../context.ts';

/** What is said of the card; null: it is in the lists, is being read, or there is none. */
function textOf({ name, state, atr, error }: WireReader): string | null {
  switch (state) {
    case 'unknown':
      return say.unknown(name, atr);
    case 'mute':
      return say.other(name, words.mute);
    case 'broken':
      return say.other(name, error ?? words.broken);
    default:
      return null;
  }
}

export interface UnreadCard extends Pick<WireReader, 'name' | 'state' | 'atr'> {
  /** With the next step. */
  readonly text: string;
}

export async function unreadCards(context: CommandContext): Promise<readonly UnreadCard[]> {
  const { readers } = await callAgent(context, 'ListReaders', {});
  return readers.flatMap((reader) => {
    const text = textOf(reader);
    const { name, state, atr } = reader;
    return text === null ? [] : [{ name, state, atr, text }];
  });
}
