// sc_auth list-smartcards: the cards that are in, one token id (DRIVER-ID:SERIAL) a line, as `security` on macOS.

import type { WireToken } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
import { triesLeftText } from '../../words/pin-tries.ts';
import { unreadCards } from '../card/unread-cards.ts';
import { NO_CARD } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { parseOptions } from '../options.ts';
import { whileCardWorks } from '../card/card-wait.ts';
import { styled, table, type Piece } from '../terminal/style.ts';

const help = `sc_auth list-smartcards [-v] [--json]

Prints the token id of each card that is in, DRIVER-ID:SERIAL, one a line.

  -v, --verbose   also label, reader and the PIN tries that are left
  --json          {"tokens": [...], "unread": [{"name", "state", "atr", "text"}]}: cards that no driver knows or can read

Example:
  sc_auth list-smartcards
Exit codes: 0 done, also without a card; 5 scauthd cannot be reached.
`;

function triesOf({ triesLeft }: WireToken): Piece {
  if (triesLeft === null) return 'tries unknown';
  return styled(triesLeft > 1 ? 'good' : 'bad', triesLeftText(triesLeft));
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { verbose = false } = parseOptions('list-smartcards', args, {
    verbose: { type: 'boolean', short: 'v' },
  });
  const { output } = context;
  const [{ tokens }, unread] = await whileCardWorks(context, async () => [
    await callAgent(context, 'ListTokens', {}),
    await unreadCards(context),
  ]);
  const columns = [
    { title: 'Card' },
    ...(verbose
      ? [
          { title: 'Label', givesWay: true },
          { title: 'Reader', givesWay: true },
        ]
      : []),
    ...(verbose ? [{ title: 'PIN' }] : []),
  ];
  const rows = tokens.map((token) => [
    token.id,
    ...(verbose ? [token.label, token.reader, triesOf(token)] : []),
  ]);
  // One column needs no title.
  output.result({ tokens, unread }, table(verbose ? output.screen : null, columns, rows));
  for (const { text } of unread) output.note(text);
  if (tokens.length + unread.length === 0) output.note(NO_CARD);
}

export const command: Command = { help, run };
