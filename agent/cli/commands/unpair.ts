// sc_auth unpair: a card logs an account in no longer. Root for anybody, a user for themselves: scauthd decides.

import { callAgent } from '../agent/client.ts';
import { unpair as say } from '../../words/commands.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption } from '../hash-option.ts';
import { describePairing } from './list.ts';
import { parseOptions } from '../options.ts';

const help = `sc_auth unpair [-v] [-u USER] [-h HASH] [--shut-out] [--json]

Removes pairings; the password goes on to work. Without -h: all pairings of the account.

  -u, --user USER   the account. Without it: yours; with sudo: the account that called sudo
  -h, --hash HASH   only this pairing: sc_auth list
  -v, --verbose     print what was removed in full
  --shut-out        (root) although enforcement is on and the account is shut out by it
  --json            {"removed": [...]}

Examples:
  sc_auth unpair
  sudo sc_auth unpair -u bob -h 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
Exit codes: 0 done; 2 wrong usage; 3 not allowed; 4 no such pairing or user; 5 scauthd cannot be reached.
`;

/**
 * The account that root means: -u, or who called sudo (and says so).
 * @throws CommandError `usage` when root says neither
 */
export function accountForRoot(user: string | undefined, context: CommandContext): string {
  if (user !== undefined) return user;
  const behindSudo = sudoUser(context);
  if (behindSudo === null) throw new CommandError('usage', say.forWhom);
  context.output.note(say.behindSudo(behindSudo));
  return behindSudo;
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('unpair', args, {
    verbose: { type: 'boolean', short: 'v' },
    user: { type: 'string', short: 'u' },
    hash: { type: 'string', short: 'h' },
    'shut-out': { type: 'boolean' },
  });
  const hash = hashOption(options.hash);
  const user = context.uid === 0 ? accountForRoot(options.user, context) : (options.user ?? null);
  const { removed } = await callAgent(context, 'Unpair', {
    user,
    hash,
    ...(options['shut-out'] === true && { shutOut: true }),
  });
  if (removed.length === 0) {
    throw new CommandError('not-paired', say.none);
  }
  const lines = removed.flatMap((pairing) => [
    say.done(pairing.hash, pairing.user),
    ...(options.verbose === true ? describePairing(pairing) : []),
  ]);
  context.output.result({ removed }, lines);
}

export const command: Command = { help, run };
