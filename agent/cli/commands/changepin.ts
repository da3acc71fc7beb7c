// sc_auth changepin: a new PIN for a card, by the old one, or in the place of the factory's. scauthd asks, keeps the last tries and leaves the card
// unverified; this file only names the card.

import { pin } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { converse } from '../agent/client.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { readTokenId } from '../agent/wire.ts';

const help = `sc_auth changepin [-t TOKEN] [-u USER] [--pin-fd N] [--json]
sc_auth changepin --factory [--pin-fd N] [--json]

Gives the card that is in a new PIN. Asks for the old PIN, then twice for the new one; most cards take 6 to 8 digits.
A wrong old PIN costs one of the card's tries.

  -t, --token TOKEN   which card, when several are in: sc_auth list-smartcards
  -u, --user USER     the card that is paired with this account (as root: any account)
  --factory           a PIN and a PUK that are the factory's are replaced, and nothing else is asked for: the PIN by one that
                      you type twice, the PUK by one that is made by chance and shown once
  --pin-fd N          read old PIN, new PIN and new PIN again from the open file descriptor N, one line each
  --json              {"token": TOKEN}

Without a terminal, the three are lines of standard input.

Examples:
  sc_auth changepin
  sc_auth changepin --pin-fd 3 3< file-of-three-lines
Exit codes: 0 the card has the new PIN; 3 wrong, blocked, or no PIN for this card; 4 no card; 5 scauthd cannot be
reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('changepin', args, {
    token: { type: 'string', short: 't' },
    user: { type: 'string', short: 'u' },
    factory: { type: 'boolean' },
    'pin-fd': { type: 'string' },
  });
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  if (options.factory === true) {
    if ((options.token ?? options.user) !== undefined) throw new CommandError('usage', pin.factoryAlone);
    const { token } = await converse(context, 'TakeOwnSecrets', {}, { pinFd });
    context.output.result({ token: readTokenId({ token }) }, [pin.own]);
    return;
  }
  const wanted = { token: options.token ?? null, user: options.user ?? null };
  const result = await converse(context, 'ChangePin', wanted, { pinFd, passwordFd: pinFd });
  context.output.result({ token: readTokenId(result) }, [pin.changed]);
}

export const command: Command = { help, run };
