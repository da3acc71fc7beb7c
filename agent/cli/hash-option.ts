// The option -h HASH. Apart from the other options: reading a hash loads node:crypto, which most commands spare.

import { parsePkhh, type Pkhh } from '../model/key.ts';
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
    throw new CommandError(
      'usage',
      'A hash has 40 hexadecimal digits. The hashes of the card in the reader: sc_auth identities',
      cause,
    );
  }
}
