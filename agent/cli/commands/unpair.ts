// sc_auth unpair: a card logs an account in no longer. Root for anybody, a user for themselves: scauthd decides.

import type { WirePairing } from '../../protocol/io-scauth.ts';
import { callAgent, pagesOf } from '../agent/client.ts';
import { unpair as say } from '../../words/commands.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption } from '../hash-option.ts';
import { describePairing } from './list.ts';
import { parseOptions } from '../options.ts';
import { isInteractive } from '../terminal/answers.ts';
import { askWord, numbered } from '../terminal/ask-word.ts';
import { tabbed } from '../terminal/style.ts';

const help = `sc_auth unpair [-v] [-u USER] [-h HASH | --all] [--shut-out] [--json]

Removes pairings; the password goes on to work. Without -h, -u or --all: your only one; with several you are asked which,
and where nobody can be asked nothing is removed.

  -u, --user USER   the account, and all of its pairings without -h. Without it: yours; with sudo: the account that called
                    sudo
  -h, --hash HASH   only this pairing: sc_auth list
  --all             all pairings of the account
  -v, --verbose     print what was removed in full
  --shut-out        (root) although enforcement is on and the account is shut out by it
  --json            {"removed": [...]}

Examples:
  sc_auth unpair
  sudo sc_auth unpair -u bob -h 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
Exit codes: 0 done; 2 wrong usage, or several and none named; 3 not allowed; 4 no such pairing or user; 5 scauthd cannot be
reached; 130 cancelled.
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

/** What is to go: one by its hash, or all. */
interface Selection {
  readonly hash: string | null;
  readonly all: boolean;
}

/** @throws CommandError `not-paired`, `cancelled` */
async function askWhich(user: string | null, context: CommandContext): Promise<Selection> {
  const pairings: WirePairing[] = [];
  for await (const page of pagesOf(context, 'ListPairings', { user })) pairings.push(...page.pairings);
  if (pairings.length === 0) throw new CommandError('not-paired', say.none);
  const lines = pairings.map(({ hash, label }, index) => tabbed(String(index + 1), hash, label));
  context.writeErr(lines.map((line) => `${line}\n`).join(''));
  const several = pairings.length > 1;
  const text = several ? say.choose(pairings.length) : say.confirm;
  const chosen = await askWord<Selection>(context, text, say.noAnswer, (answer) => {
    if (/^(|no?)$/.test(answer)) return null;
    if (several && answer === 'all') return { hash: null, all: true };
    const one = !several && /^(y|yes)$/.test(answer) ? pairings[0] : numbered(answer, pairings);
    return one === undefined ? undefined : { hash: one.hash, all: false };
  });
  if (chosen === null) throw new CommandError('cancelled', say.cancelled);
  return chosen;
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('unpair', args, {
    verbose: { type: 'boolean', short: 'v' },
    user: { type: 'string', short: 'u' },
    hash: { type: 'string', short: 'h' },
    all: { type: 'boolean' },
    'shut-out': { type: 'boolean' },
  });
  const named = hashOption(options.hash);
  if (named !== null && options.all === true) throw new CommandError('usage', say.notBoth);
  const user = context.uid === 0 ? accountForRoot(options.user, context) : (options.user ?? null);
  // As on macOS, -u alone means all of that account's.
  const all = named === null && (options.all === true || options.user !== undefined);
  const isOpen = named === null && !all;
  const which = isOpen && isInteractive(context) ? await askWhich(user, context) : { hash: named, all };
  const { removed, more } = await callAgent(context, 'Unpair', {
    user,
    hash: which.hash,
    ...(which.all && { all: true }),
    ...(options['shut-out'] === true && { shutOut: true }),
  });
  if (removed.length === 0) {
    throw new CommandError('not-paired', say.none);
  }
  const lines = removed.flatMap((pairing) => [
    say.done(pairing.hash, pairing.user),
    ...(options.verbose === true ? describePairing(pairing) : []),
  ]);
  if (more > 0) lines.push(say.more(more));
  context.output.result({ removed, more }, lines);
}

export const command: Command = { help, run };
