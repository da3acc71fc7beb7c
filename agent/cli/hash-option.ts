// The option -h HASH. Apart from the other options: reading a hash loads node:crypto, which most commands spare.

import { parsePkhh, type Pkhh } from '../model/key/key.ts';
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

/** A hash that stands by itself is meant as -h: `sc_auth lost 0B1B…`. What else stands there may be a PIN, and is left. */
export function withHashOption(args: readonly string[]): string[] {
  return args.flatMap((word, at) => {
    const bare = /^([0-9a-f]{2}:?){20}$/i.test(word) && !/^(-\w*h|--\w+)$/.test(args[at - 1] ?? '');
    return bare ? ['-h', word] : [word];
  });
}
