// What a scauthd that does not run means while the card is required: the administrator says it once, and it is a setting
// like any other, in a file of its own below /etc/scauth/scauth.d. Nothing is guessed where nobody can be asked.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSet, loadPolicy } from '../../../config/parse-settings.ts';
import { replaceFile } from '../../base/replace-file.ts';
import { agentAbsent as say } from '../../words/enforcement.ts';
import { isInteractive, openAnswers } from '../terminal/answers.ts';
import type { CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import type { AgentAbsent } from './arguments.ts';

const DROP_IN = 'scauth.d/50-enforcement.toml';
const HEAD = '# Written by "sc_auth enforce on". What it means: scauth.toml(5).\n';

async function ask(context: CommandContext): Promise<AgentAbsent> {
  if (!isInteractive(context)) throw new CommandError('usage', say.sayWhich);
  const answers = await openAnswers(context);
  try {
    answers.tell(say.meaning);
    const typed = await answers.ask({ text: say.prompt, echo: true }, new AbortController().signal);
    if (typed === null) throw new CommandError('cancelled', say.cancelled);
    const word = typed.bytes.toString('utf8').trim();
    typed.release();
    if (word === 'open' || word === 'closed') return word;
    throw new CommandError('usage', say.neither);
  } finally {
    answers.close();
  }
}

/**
 * The choice to be written: given, or asked for.
 * @returns null when the files say it already
 * @throws CommandError `usage` where nobody can be asked, `cancelled`
 */
export async function chooseAgentAbsent(
  given: AgentAbsent | null,
  folder: string,
  context: CommandContext,
): Promise<AgentAbsent | null> {
  if (!isSet(folder, 'enforcement.agent_absent')) return given ?? (await ask(context));
  return given === loadPolicy(folder).enforcement.agentAbsent ? null : given;
}

/**
 * Writes the choice, whole or not at all.
 * @returns what takes it back
 * @throws CommandError `config-invalid` where another file says something else, or the file is not ours
 */
export function writeAgentAbsent(choice: AgentAbsent, folder: string): () => void {
  const file = join(folder, DROP_IN);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
  if (before !== null && !before.startsWith(HEAD))
    throw new CommandError('config-invalid', say.othersFile(file, choice));
  const undo = (): void => {
    if (before === null) rmSync(file, { force: true });
    else replaceFile(file, before, 0o644);
  };
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 });
  replaceFile(file, `${HEAD}[enforcement]\nagent_absent = "${choice}"\n`, 0o644);
  if (loadPolicy(folder).enforcement.agentAbsent === choice) return undo;
  undo();
  throw new CommandError('config-invalid', say.laterFile(join(folder, 'scauth.d')));
}
