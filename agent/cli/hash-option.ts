// The option -h HASH. Apart from the other options: reading a hash loads node:crypto, which most commands spare.

import { parsePkhh, type Pkhh } from '../model/key.ts';
import { usage as say } from '../words/sc-auth.ts';
import { CommandError } from './exit-codes.ts';

/**
 * A hash as typed: any case, with or without colons.
 * @throws CommandError `usage`
 */
export function hashOption(text: string | undefined): Pkhh | null {
  if (text === undefined) return null;
  try {
    return parsePkhh(text);
  } catch (cause) {
    throw new CommandError('usage', say.hash, cause);
  }
}
