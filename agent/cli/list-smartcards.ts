// sc_auth list-smartcards: the cards that are in, one token id (DRIVER-ID:SERIAL) a line, as `security` on macOS.

import { callAgent } from './client.ts';
import type { Command, CommandContext } from './context.ts';
import { parseOptions } from './options.ts';
import { tabbed } from './output.ts';

const help = `sc_auth list-smartcards [-v] [--json]

Prints the token id of each card that is in, DRIVER-ID:SERIAL, one a line.

  -v, --verbose   also label, reader and the PIN tries that are left
  --json          {"tokens": [...]}

Example:
  sc_auth list-smartcards
Exit codes: 0 done, also without a card; 5 scauthd cannot be reached.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { verbose = false } = parseOptions('list-smartcards', args, {
    verbose: { type: 'boolean', short: 'v' },
  });
  const { tokens } = await callAgent(context, 'ListTokens', {});
  const lines = tokens.map(({ id, label, reader, triesLeft }) =>
    verbose
      ? tabbed(id, label, reader, triesLeft === null ? 'tries unknown' : `${triesLeft} tries left`)
      : tabbed(id),
  );
  context.output.result({ tokens }, lines);
  if (tokens.length === 0) context.output.note('No card is in a reader. Put the card in and run it again.');
}

export const command: Command = { help, run };
