// sc_auth list: which cards log which account in. Words as on macOS: a line `Hash: …` each, nothing when there is none.

import type { WirePairing } from '../socket/io-scauth.ts';
import { callAgent } from './client.ts';
import { sudoUser, type Command, type CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { parseOptions } from './options.ts';

const help = `sc_auth list [-v] [-u USER] [-d DOMAIN] [--json]

Prints a line "Hash: HASH" for each pairing of the account; nothing when there is none.

  -u, --user USER   the account. Without it: yours; with sudo: the account that called sudo; as root itself:
                    everybody's, a line "User: NAME" before the hashes of each account
  -v, --verbose     also label, card, who paired it and when, and whether its key is known
  -d, --domain D    for scripts written for macOS: only the local domain (".") is there
  --json            {"pairings": [...]}

Examples:
  sc_auth list
  sudo sc_auth list -u bob -v
Exit codes: 0 done, also without a pairing; 3 not allowed; 4 unknown user; 5 scauthd cannot be reached.
`;

const LOCAL_DOMAINS = ['.', 'local', '/local/default'];

/** What -v adds to the line of a pairing. */
export function describePairing(pairing: WirePairing): string[] {
  const { label, token, driver, algorithm, sha256, keyKnown, pairedBy, pairedAt } = pairing;
  const key = keyKnown
    ? [algorithm, sha256 === null ? null : `SHA-256 ${sha256}`].filter((part) => part !== null).join(', ')
    : 'not seen yet: fixed at the first login with the card';
  return [
    ['Label', label],
    ['Card', token],
    ['Driver', driver],
    ['Key', key],
    ['Paired by', pairedBy],
    ['Paired at', pairedAt],
  ].flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [`  ${String(name)}: ${value}`],
  );
}

function linesOf(pairings: readonly WirePairing[], verbose: boolean): string[] {
  return pairings.flatMap((pairing) => [
    `Hash: ${pairing.hash}`,
    ...(verbose ? describePairing(pairing) : []),
  ]);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('list', args, {
    verbose: { type: 'boolean', short: 'v' },
    user: { type: 'string', short: 'u' },
    domain: { type: 'string', short: 'd' },
  });
  const { verbose = false, domain = '.' } = options;
  if (!LOCAL_DOMAINS.includes(domain.toLowerCase())) {
    throw new CommandError(
      'usage',
      'Only the local domain is there. Leave out -d, or say: sc_auth list -d .',
    );
  }
  const user = options.user ?? sudoUser(context);
  const { pairings } = await callAgent(context, 'ListPairings', { user });
  const everybody = user === null && context.uid === 0;
  const users = [...new Set(pairings.map((pairing) => pairing.user))].sort();
  const lines = everybody
    ? users.flatMap((name) => [
        `User: ${name}`,
        ...linesOf(
          pairings.filter((pairing) => pairing.user === name),
          verbose,
        ),
      ])
    : linesOf(pairings, verbose);
  context.output.result({ pairings }, lines);
}

export const command: Command = { help, run };
