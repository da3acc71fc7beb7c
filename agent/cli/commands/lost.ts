// sc_auth lost: a key, or every key of a card, is refused everywhere from now on. Without one: what was said to be lost.

import type { WireLost } from '../../protocol/io-scauth.ts';
import { callAgent } from '../agent/client.ts';
import { card, key, lost as say } from '../../words/lost.ts';
import { usage } from '../../words/sc-auth.ts';
import { sudoUser, type Command, type CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption, withHashOption } from '../hash-option.ts';
import { parseOptions } from '../options.ts';
import { isInteractive } from '../terminal/answers.ts';
import { askWord } from '../terminal/ask-word.ts';
import { styled, type Line } from '../terminal/style.ts';

const help = `sc_auth lost [-u USER] [-h HASH | --serial N] [--yes] [--json]

Says that a card is lost or stolen. From that moment its key is refused by every login, by sudo, at the screen lock and for
the keyring, and nobody can pair it again; sessions that it has opened are locked. It stays so when it is unpaired.
As yourself: of what is paired with you. As root: of anything, also of a card that nobody has paired.
Only root takes it back: sc_auth found. Without -h and --serial: lists what was said to be lost.

  -h, --hash HASH   the key: sc_auth list. HASH may stand by itself
  --serial N        every key of this card: N is what stands behind DRIVER-ID: in sc_auth list -v and sc_auth show (of PIV
                    cards the CHUID's GUID). As root also keys that it may get later
  -u, --user USER   (root) only where it is paired with this account
  --yes             do not ask back
  --json            {"lost": [...], "sessions": N, "notes": [...]}, or {"lost": [...]}

Examples:
  sc_auth lost 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
  sudo sc_auth lost -u bob --serial 63265F4A403376FAA77CE2E9C44D57C8
Exit codes: 0 done; 2 wrong usage; 3 not allowed; 4 it is not paired with the account; 5 scauthd cannot be reached; 6 it was
said before; 130 cancelled.
`;

export function nameOf({ kind, name }: Pick<WireLost, 'kind' | 'name'>): string {
  return kind === 'card' ? card(name) : key(name);
}

async function list(context: CommandContext): Promise<void> {
  const all: WireLost[] = [];
  for (let after: string | null = null; ;) {
    const { lost, next }: { lost: readonly WireLost[]; next: string | null } = await callAgent(
      context,
      'ListLost',
      { after },
    );
    all.push(...lost);
    if (next === null || next === after) break;
    after = next;
  }
  context.output.result(
    { lost: all },
    all.map((one) => say.line(nameOf(one), one.user, one.by, one.at)),
  );
  if (all.length === 0) context.output.note(say.none);
}

/** Whoever cannot take it back is asked first. @throws CommandError `cancelled` */
async function confirm(context: CommandContext): Promise<void> {
  const yes = await askWord(context, say.confirm, say.yesOrNo, (answer) => {
    if (/^(|no?)$/.test(answer)) return null;
    return /^(y|yes)$/.test(answer) ? true : undefined;
  });
  if (yes === null) throw new CommandError('cancelled', say.cancelled);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('lost', withHashOption(args), {
    user: { type: 'string', short: 'u' },
    hash: { type: 'string', short: 'h' },
    serial: { type: 'string' },
    yes: { type: 'boolean' },
  });
  const hash = hashOption(options.hash);
  const serial = options.serial ?? null;
  if (hash !== null && serial !== null) throw new CommandError('usage', usage.notBoth('-h', '--serial'));
  if (hash === null && serial === null) {
    if (options.user !== undefined) throw new CommandError('usage', say.sayWhich);
    return list(context);
  }
  const isRoot = context.uid === 0;
  if (!isRoot && options.yes !== true && isInteractive(context)) await confirm(context);
  const by = isRoot ? (sudoUser(context) ?? context.userName()) : null;
  const report = await callAgent(context, 'SayLost', { user: options.user ?? null, hash, serial, by });
  const lines: Line[] = [
    ...report.lost.map((one) => say.said(nameOf(one), one.user)),
    ...(report.sessions === 0 ? [] : [say.sessions(report.sessions)]),
    ...report.notes.map((note) => [styled('warning', note)]),
    say.undo,
  ];
  context.output.result(report, lines);
}

export const command: Command = { help, run };
