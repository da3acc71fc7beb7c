// sc_auth identities: the keys of the cards that are in, as login sees them. Words as on macOS.

import type { WireIdentity } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
import { fetchIdentities } from '../card/card-items.ts';
import { unreadCards } from '../card/unread-cards.ts';
import { identities as say, NO_KEY, NO_LOGIN_KEY } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { parseOptions } from '../options.ts';
import { whileCardWorks } from '../card/card-wait.ts';
import { styled, tabbed, type Line } from '../terminal/style.ts';

const help = `sc_auth identities [-v] [--json]

Prints the keys of the card that is in: HASH, a tab, and the label. Nothing on standard output: no card.

  -v, --verbose   also who a key is paired with, and the keys that cannot log anybody in, with the reason
  --json          {"paired": [...], "unpaired": [...], "unfit": [...]}

Example:
  sc_auth identities
Exit codes: 0 done, also without a card; 5 scauthd cannot be reached.
`;

/** Keys by what login can do with them. */
export interface SortedIdentities {
  readonly paired: readonly WireIdentity[];
  readonly unpaired: readonly WireIdentity[];
  /** `unfit` always says why. */
  readonly unfit: readonly (WireIdentity & { readonly unfit: string })[];
}

/** Only keys that were made for authentication are offered for login. */
function whyUnfit(identity: WireIdentity): string | null {
  if (identity.unfit !== null) return identity.unfit;
  return identity.use === 'authentication' ? null : say.otherUse(identity.use);
}

/** Asks scauthd which keys are there. `user` given: paired means paired with this user. */
export async function sortedIdentities(
  context: CommandContext,
  user: string | null,
): Promise<SortedIdentities> {
  const identities = await fetchIdentities(context);
  const isPaired = ({ pairedWith }: WireIdentity) =>
    user === null ? pairedWith.length > 0 : pairedWith.includes(user);
  const fit = identities.filter((identity) => whyUnfit(identity) === null);
  return {
    paired: fit.filter(isPaired),
    unpaired: fit.filter((identity) => !isPaired(identity)),
    unfit: identities.flatMap((identity) => {
      const unfit = whyUnfit(identity);
      return unfit === null ? [] : [{ ...identity, unfit }];
    }),
  };
}

function section(heading: string, lines: readonly string[]): Line[] {
  return lines.length === 0 ? [] : [[styled('heading', heading)], ...lines];
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { verbose = false } = parseOptions('identities', args, { verbose: { type: 'boolean', short: 'v' } });
  const sorted = await whileCardWorks(context, () => sortedIdentities(context, null));
  const { paired, unpaired, unfit } = sorted;
  const line = ({ hash, label, pairedWith }: WireIdentity) =>
    verbose && pairedWith.length > 0 ? tabbed(hash, label, say.pairedWith(pairedWith)) : tabbed(hash, label);
  context.output.result({ ...sorted }, [
    ...section(say.paired, paired.map(line)),
    ...section(say.unpaired, unpaired.map(line)),
    ...(verbose
      ? section(
          say.unfit,
          unfit.map((identity) => tabbed(identity.hash, identity.label, identity.unfit)),
        )
      : []),
  ]);
  if (verbose) {
    const { tokens } = await callAgent(context, 'ListTokens', {});
    for (const note of tokens.flatMap(({ notes }) => notes)) context.output.note(note);
  }
  for (const warning of new Set([...paired, ...unpaired].map((identity) => identity.warning)))
    if (warning !== null) context.output.note(warning);
  if (paired.length + unpaired.length + unfit.length === 0) {
    const unread = await unreadCards(context);
    for (const { text } of unread) context.output.note(text);
    if (unread.length === 0) context.output.note(NO_KEY);
  } else if (paired.length + unpaired.length === 0 && !verbose) {
    context.output.note(NO_LOGIN_KEY);
  }
}

export const command: Command = { help, run };
