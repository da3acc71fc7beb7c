// Which key to pair, when no hash was given: the only one that is there, or the number that the person types.

import type { WireIdentity } from '../../protocol/io-scauth.ts';
import { isInteractive, openAnswers } from '../terminal/answers.ts';
import { identities, NO_KEY, NO_LOGIN_KEY, pair as say } from '../../words/commands.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { fetchIdentities, type SortedIdentities } from '../commands/identities.ts';
import { tabbed } from '../terminal/output.ts';

function nothingToChoose(found: SortedIdentities, user: string): CommandError {
  if (found.paired.length > 0) {
    return new CommandError('already-paired', say.already(user));
  }
  if (found.unfit.length > 0) {
    return new CommandError('no-identity', NO_LOGIN_KEY);
  }
  return new CommandError('no-card', NO_KEY);
}

async function askNumber(choices: readonly WireIdentity[], context: CommandContext): Promise<WireIdentity> {
  const [only] = choices;
  const isOne = choices.length === 1;
  const text = isOne ? say.confirm : say.choose(choices.length);
  const answers = await openAnswers(context);
  try {
    for (;;) {
      const typed = await answers.ask({ text, echo: true }, new AbortController().signal);
      // A choice is no secret, and may be a string; what is none is forgotten.
      const answer = typed?.bytes.toString('latin1').trim();
      typed?.release();
      if (answer === undefined || /^no?$/i.test(answer) || (answer === '' && !isOne)) break;
      if (isOne && only !== undefined && /^(y|yes|)$/i.test(answer)) return only;
      const chosen = /^\d+$/.test(answer) ? choices[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return chosen;
      answers.tell(isOne ? say.yesOrNo : say.noSuchNumber);
    }
  } finally {
    answers.close();
  }
  throw new CommandError('cancelled', say.cancelled);
}

/**
 * The hash of the key to pair with `user`. Without a terminal there must be exactly one.
 * @throws CommandError `no-card`, `no-identity`, `already-paired`, `cancelled`, `usage` for several without a terminal
 */
export async function chooseIdentity(context: CommandContext, user: string): Promise<string> {
  const found = await fetchIdentities(context, user);
  const choices = found.unpaired;
  const only = choices[0];
  if (only === undefined) throw nothingToChoose(found, user);
  const interactive = isInteractive(context);
  if (choices.length === 1 && !interactive) return only.hash;
  const list = choices.map(({ hash, label }, index) => tabbed(String(index + 1), hash, label));
  if (!interactive) {
    throw new CommandError('usage', [say.several, ...list].join('\n'));
  }
  // The list and the question belong together on the terminal; standard output stays for the result.
  context.writeErr(`${identities.unpaired}\n${list.map((line) => `${line}\n`).join('')}`);
  return (await askNumber(choices, context)).hash;
}
