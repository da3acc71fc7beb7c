// The second word of a command that does several things: `sc_auth audit search`.

import { nearestWord } from '../../config/nearest-word.ts';
import { usage } from '../words/sc-auth.ts';
import { CommandError } from './exit-codes.ts';

/** @throws CommandError `usage`, with the nearest of `verbs` */
export function verbOf<V extends string>(command: string, word: string | undefined, verbs: readonly V[]): V {
  const verb = verbs.find((one) => one === word);
  if (verb !== undefined) return verb;
  const near = word === undefined ? null : nearestWord(word, verbs);
  throw new CommandError('usage', usage.verb(command, verbs, near));
}
