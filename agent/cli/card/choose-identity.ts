// Which key to pair, when no hash was given: the only one that is there, or the number that the person types.

import type { WireIdentity } from '../../protocol/io-scauth.ts';
import { isInteractive } from '../terminal/answers.ts';
import { askWord, numbered } from '../terminal/ask-word.ts';
import { identities, NO_KEY, NO_LOGIN_KEY, pair as say } from '../../words/commands.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { unreadCards } from './unread-cards.ts';
import { sortedIdentities, type SortedIdentities } from '../commands/identities.ts';
import { tabbed } from '../terminal/style.ts';

async function nothingToChoose(
  found: SortedIdentities,
  user: string,
  context: CommandContext,
): Promise<CommandError> {
  if (found.paired.length > 0) {
    return new CommandError('already-paired', say.already(user));
  }
  if (found.unfit.length > 0) {
    return new CommandError('no-identity', NO_LOGIN_KEY);
  }
  const [unread] = await unreadCards(context);
  return new CommandError('no-card', unread?.text ?? NO_KEY);
}

/** null: none of them. */
async function ask(choices: readonly WireIdentity[], context: CommandContext): Promise<WireIdentity | null> {
  const [only] = choices;
  if (choices.length > 1)
    return await askWord(context, say.choose(choices.length), say.noSuchNumber, (answer) =>
      /^(|no?)$/.test(answer) ? null : numbered(answer, choices),
    );
  return await askWord(context, say.confirm, say.yesOrNo, (answer) => {
    if (/^no?$/.test(answer)) return null;
    return /^(|y|yes)$/.test(answer) ? only : numbered(answer, choices);
  });
}

/**
 * The hash of the key to pair with `user`. Without a terminal there must be exactly one.
 * @throws CommandError `no-card`, `no-identity`, `already-paired`, `cancelled`, `usage` for several without a terminal
 */
export async function chooseIdentity(context: CommandContext, user: string): Promise<string> {
  const found = await sortedIdentities(context, user);
  const choices = found.unpaired;
  const only = choices[0];
  if (only === undefined) throw await nothingToChoose(found, user, context);
  const interactive = isInteractive(context);
  if (choices.length === 1 && !interactive) return only.hash;
  const list = choices.map(({ hash, label }, index) => tabbed(String(index + 1), hash, label));
  if (!interactive) {
    throw new CommandError('usage', [say.several, ...list].join('\n'));
  }
  // The list and the question belong together on the terminal; standard output stays for the result.
  context.writeErr(`${identities.unpaired}\n${list.map((line) => `${line}\n`).join('')}`);
  const chosen = await ask(choices, context);
  if (chosen === null) throw new CommandError('cancelled', say.cancelled);
  return chosen.hash;
}
