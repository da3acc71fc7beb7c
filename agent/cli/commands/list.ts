// sc_auth list: which cards log which account in. Words as on macOS: a line `Hash: …` each, nothing when there is none.

import type { WirePairing } from '../../protocol/io-scauth.ts';
import { pagesOf } from '../agent/client.ts';
import { list as say } from '../../words/commands.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { parseOptions } from '../options.ts';
import { styled, type Line } from '../terminal/style.ts';

const help = `sc_auth list [-v] [-u USER] [-d DOMAIN] [--json]

Prints a line "Hash: HASH" for each pairing of the account; nothing in a pipe when there is none. A line "Lost" follows where
the key, or its card, was said to be lost.

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
  const { label, token, driver, algorithm, sha256, keyKnown, pairedBy, pairedAt, book } = pairing;
  const key = keyKnown
    ? [algorithm, sha256 === null ? null : `SHA-256 ${sha256}`].filter((part) => part !== null).join(', ')
    : say.keyNotSeen;
  return [
    ['Label', label],
    ['Card', token],
    ['Driver', driver],
    ['Key', key],
    ['Paired by', pairedBy],
    ['Paired at', pairedAt],
    ['Fleet', book === null ? null : say.ofBook(book.number, book.officerKey, book.notAfter)],
  ].flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [`  ${String(name)}: ${value}`],
  );
}

/** More of one account are shown in several parts, each oldest first. */
const MAX_PART = 1000;

/** One account after the other, its oldest pairing first. scauthd sends them by account. */
async function* byAccount(
  pages: AsyncIterable<{ readonly pairings: readonly WirePairing[] }>,
): AsyncGenerator<readonly WirePairing[]> {
  const oldestFirst = (one: WirePairing, other: WirePairing): number =>
    one.pairedAt < other.pairedAt ? -1 : Number(one.pairedAt > other.pairedAt);
  let part: WirePairing[] = [];
  for await (const { pairings } of pages) {
    for (const pairing of pairings) {
      if (part[0] !== undefined && (part[0].user !== pairing.user || part.length >= MAX_PART)) {
        yield part.sort(oldestFirst);
        part = [];
      }
      part.push(pairing);
    }
  }
  yield part.sort(oldestFirst);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('list', args, {
    verbose: { type: 'boolean', short: 'v' },
    user: { type: 'string', short: 'u' },
    domain: { type: 'string', short: 'd' },
  });
  const { verbose = false, domain = '.' } = options;
  if (!LOCAL_DOMAINS.includes(domain.toLowerCase())) {
    throw new CommandError('usage', say.domain);
  }
  const user = options.user ?? sudoUser(context);
  let count = 0;
  const everybody = user === null && context.uid === 0;
  let last: string | null = null;
  const linesOf = (part: readonly WirePairing[]): Line[] =>
    part.flatMap((pairing) => {
      count += 1;
      const heading = everybody && pairing.user !== last ? [`User: ${pairing.user}`] : [];
      last = pairing.user;
      const lost = pairing.lost === true ? [[styled('bad', `  ${say.lost}`)]] : [];
      return [...heading, `Hash: ${pairing.hash}`, ...lost, ...(verbose ? describePairing(pairing) : [])];
    });
  const pages = pagesOf(context, 'ListPairings', { user });
  await context.output.list('pairings', byAccount(pages), linesOf, () => ({}));
  // Scripts know by the silence; a person asks whether it has worked.
  if (count === 0 && context.output.screen !== null && !context.output.json)
    context.output.note(everybody ? say.noneAtAll : say.none(user ?? context.userName()));
}

export const command: Command = { help, run };
