// Options of the commands: node:util's parseArgs, with its errors as sentences. No command takes positional
// arguments, and no message repeats what was typed in place of one: it may be a PIN.

import type { parseArgs, ParseArgsOptionsConfig } from 'node:util';
import { util } from '../base/node-util.ts';
import { usage as say } from '../words/sc-auth.ts';
import { CommandError } from './exit-codes.ts';

const common = { json: { type: 'boolean' }, help: { type: 'boolean' } } as const;

/** Value types as parseArgs infers them. */
type Values<T extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: T & typeof common; allowPositionals: false }>
>['values'];

/**
 * Reads the options of the command `name`; each may be given once with a value.
 * @throws CommandError `usage`
 */
export function parseOptions<T extends ParseArgsOptionsConfig>(
  name: string,
  args: readonly string[],
  options: T,
): Values<T> {
  try {
    return util.parseArgs({ args: [...args], options: { ...options, ...common }, allowPositionals: false })
      .values as unknown as Values<T>;
  } catch (cause) {
    throw new CommandError('usage', say.seeHelp(sentenceOf(cause), name), cause);
  }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return say.options;
  if ('code' in error && error.code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    return say.stray;
  }
  // Node's messages go on with advice that does not fit here.
  const sentence = /^[^.]*/.exec(error.message)?.[0] ?? '';
  return `${sentence.split('\n')[0] ?? ''}.`;
}

/**
 * A file descriptor number as typed.
 * @throws CommandError `usage`
 */
export function descriptorOption(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,6}$/.test(text)) throw new CommandError('usage', say.descriptor(name));
  return Number(text);
}
