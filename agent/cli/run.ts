// One run of sc_auth: finds the command, runs it, turns its end into an exit code.

import { printable } from '../base/errors.ts';
import { agent, usage } from '../words/sc-auth.ts';
import type { Command, Surroundings } from './context.ts';
import { CommandError, EXIT, exitCodeOf, SilentEnd, type ExitCode } from './exit-codes.ts';
import { COMMANDS, OVERVIEW } from './overview.ts';
import { Output } from './terminal/output.ts';

/** @throws CommandError `usage`, with the nearest word */
async function load(name: string): Promise<Command> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry !== undefined) return (await entry.load()).command;
  const { nearestWord } = await import('../../config/nearest-word.ts');
  const near = nearestWord(name, [...Object.keys(COMMANDS), 'help']);
  throw new CommandError('usage', usage.unknownCommand(printable(name, 60), near));
}

async function laidOut(text: string): Promise<string> {
  const { layOutHelp } = await import('../base/help-layout.ts');
  return layOutHelp(text);
}

/** Where -h is no option of the command's own (`-h HASH`), it means help. */
function asksForHelp(args: readonly string[], { help }: Command): boolean {
  return args.includes('--help') || (args.includes('-h') && !/^ {2}-h, /m.test(help));
}

async function dispatch(surroundings: Surroundings, output: Output): Promise<void> {
  const [name, ...args] = surroundings.args;
  const { writeOut, writeErr } = surroundings;
  switch (name) {
    case undefined:
      writeErr(await laidOut(OVERVIEW));
      output.failed(EXIT.usage);
      return;
    case '-h':
    case '--help':
    case 'help': {
      const about = args.find((word) => !word.startsWith('-'));
      writeOut(await laidOut(about === undefined ? OVERVIEW : (await load(about)).help));
      return;
    }
    case '-v':
    case '--version': {
      const { productVersion } = await import('../base/product-version.ts');
      writeOut(`sc_auth ${productVersion()}\n`);
      return;
    }
    default: {
      const command = await load(name);
      if (asksForHelp(args, command)) writeOut(await laidOut(command.help));
      else await command.run(args, { ...surroundings, output });
    }
  }
}

/** Runs sc_auth; never throws. */
export async function run(surroundings: Surroundings): Promise<ExitCode> {
  const output = new Output(surroundings, surroundings.args.includes('--json'));
  try {
    await dispatch(surroundings, output);
    return output.exitCode;
  } catch (error) {
    const failure = error instanceof CommandError ? error : unexpected(error);
    if (!(failure instanceof SilentEnd)) output.failure(failure);
    return exitCodeOf(failure.code);
  }
}

function unexpected(cause: unknown): CommandError {
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'unknown';
  return new CommandError('internal', agent.unexpected(what), cause);
}
