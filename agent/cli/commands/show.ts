// sc_auth show: a picture of the cards that are in, with their keys, whose they are, and what is wrong.

import { callAgent } from '../agent/client.ts';
import { fetchIdentities, fetchItems } from '../card/card-items.ts';
import { cardPicture } from '../card/card-picture.ts';
import { cardViews } from '../card/card-view.ts';
import { whileCardWorks } from '../card/card-wait.ts';
import { unreadCards } from '../card/unread-cards.ts';
import { NO_CARD } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import type { Line } from '../terminal/style.ts';

const help = `sc_auth show [-t TOKEN] [--plain] [--json]

Shows each card that is in: the tries of PIN and PUK; for each key its slot, kind, PIN and touch policy, whom it is
paired with, and how far its certificate has run; below that what is wrong, and what to do. No PIN is asked for.

  -t, --token TOKEN   one card, when several are in: sc_auth list-smartcards
  --plain             ASCII alone in frames and bars, as where the locale is not UTF-8
  --json              {"cards": [{..., "keys": [...], "problems": [...]}], "unread": [...]}

Only root sees whom the keys of others are paired with. What a card does not tell (policies, the PUK's tries) is not
shown.

Example:
  sc_auth show
Exit codes: 0 done, also without a card; 4 the card named is not in; 5 scauthd cannot be reached.
`;

/** A pipe is taken for a terminal of this width; beyond the second a frame only gets longer. */
const COLUMNS = { inPipe: 80, most: 100, least: 34 };

/** By the locale's variables, the first that is set (POSIX, 8.2). */
function isUtf8({ env }: CommandContext): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (name) => name !== undefined && name !== '',
  );
  return /utf-?8/i.test(locale ?? '');
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { token = null, plain = false } = parseOptions('show', args, {
    token: { type: 'string', short: 't' },
    plain: { type: 'boolean' },
  });
  const { output } = context;
  const nowMs = Date.now();
  const asRoot = context.uid === 0;
  const { views, unread } = await whileCardWorks(context, async () => {
    const { tokens } = await callAgent(context, 'ListTokens', {});
    const identities = await fetchIdentities(context);
    const items = await fetchItems(context, null);
    const seen = cardViews({ tokens, identities, items }, asRoot, nowMs);
    return { views: seen, unread: await unreadCards(context) };
  });
  const cards = views.filter(({ id }) => token === null || id === token);
  if (token !== null && cards.length === 0) throw new CommandError('no-card', NO_CARD);
  const columns = Math.max(COLUMNS.least, Math.min(output.screen?.columns ?? COLUMNS.inPipe, COLUMNS.most));
  const frame = { columns, plain: plain || !isUtf8(context), asRoot, nowMs };
  const pictures = cards.flatMap((view, at): Line[] => [
    ...(at === 0 ? [] : ['']),
    ...cardPicture(view, frame),
  ]);
  output.result({ cards, unread }, pictures);
  if (token === null) for (const { text } of unread) output.note(text);
  if (cards.length + unread.length === 0) output.note(NO_CARD);
}

export const command: Command = { help, run };
