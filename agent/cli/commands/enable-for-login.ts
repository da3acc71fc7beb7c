// sc_auth enable-for-login: whether a token driver may run before anybody has logged in. The administrator's word;
// scauthd keeps it and judges by it.

import { callAgent } from '../agent/client.ts';
import { driver as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';

const help = `sc_auth enable-for-login DRIVER | --disable DRIVER [--shut-out] [--json]

Lets a token driver run before anybody has logged in, or takes that back. What came with scauth may run there unless
it is disabled; drivers of others only once they are enabled. Within a session (sudo, su) it makes no difference.

  --disable DRIVER   not before a login any more
  --shut-out         with --disable: although enforcement is on and somebody has no other card
  --json             {"driver": DRIVER, "enabled": true or false}

DRIVER is a driver's id: the first part of what sc_auth list-smartcards prints.

Examples:
  sudo sc_auth enable-for-login org.example.piv-lite
  sudo sc_auth enable-for-login --disable org.example.piv-lite
Exit codes: 0 done; 2 wrong usage, or no such driver; 3 you are not root, or somebody would be shut out; 5 scauthd cannot be reached.
`;

/** The one value without an option in front of it, and the arguments without it. */
function takeDriver(args: readonly string[]): { driver: string | null; others: string[] } {
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--disable');
  return { driver: args[at] ?? null, others: args.filter((_, index) => index !== at) };
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { driver: toEnable, others } = takeDriver(args);
  const { disable = null, 'shut-out': shutOut = false } = parseOptions('enable-for-login', others, {
    disable: { type: 'string' },
    'shut-out': { type: 'boolean' },
  });
  const driver = toEnable ?? disable;
  if (driver === null || (toEnable !== null && disable !== null)) {
    throw new CommandError('usage', say.nameOne);
  }
  const enabled = disable === null;
  await callAgent(context, 'SetDriverForLogin', { driver, enabled, ...(shutOut && { shutOut }) });
  context.output.result({ driver, enabled }, [enabled ? say.enabled(driver) : say.disabled(driver)]);
}

export const command: Command = { help, run };
