// sc_auth unblock: a new PIN for a card whose PIN is blocked or forgotten, by its PUK or by a help desk. scauthd asks, and
// keeps the PUK's last tries; this file only names the card.

import { pin } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { converse } from '../agent/client.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { readTokenId } from '../agent/wire.ts';

const help = `sc_auth unblock [-t TOKEN] [--help-desk] [--puk-fd N] [--pin-fd N] [--json]

Gives the card that is in a new PIN with all its tries, by means of the PUK that came with the card.
Asks for the PUK, then twice for the new PIN. A wrong PUK costs one of its tries; a blocked PUK is the end of most
cards.

  -t, --token TOKEN   which card, when several are in: sc_auth list-smartcards
  --help-desk         where the card was set up with --escrow: shows a challenge of 8 symbols, which you read to your help
                      desk, and asks for their answer in the place of the PUK. An answer is good once, for this card, this
                      machine and a quarter of an hour
  --puk-fd N          read the PUK from the open file descriptor N, one line
  --pin-fd N          read new PIN and new PIN again from the open file descriptor N, one line each (may be the same)
  --json              {"token": TOKEN}

Without a terminal, PUK, new PIN and new PIN again are lines of standard input.

Examples:
  sc_auth unblock
  sc_auth unblock --puk-fd 3 --pin-fd 4 3< puk-file 4< file-of-two-lines
Exit codes: 0 the card has the new PIN; 3 wrong or blocked PUK, or no PIN for this card; 4 no card; 5 scauthd cannot
be reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('unblock', args, {
    token: { type: 'string', short: 't' },
    'help-desk': { type: 'boolean' },
    'puk-fd': { type: 'string' },
    'pin-fd': { type: 'string' },
  });
  // Whatever is asked for here and is no PIN is the PUK.
  const sources = {
    pinFd: descriptorOption('pin-fd', options['pin-fd']),
    passwordFd: descriptorOption('puk-fd', options['puk-fd']),
  };
  const wanted = { token: options.token ?? null, helpDesk: options['help-desk'] ?? false };
  const result = await converse(context, 'UnblockPin', wanted, sources);
  context.output.result({ token: readTokenId(result) }, [pin.unblocked]);
}

export const command: Command = { help, run };
