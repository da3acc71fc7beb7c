// sc_auth pair: lets a card log an account in. As root a decision of the administrator, without secrets; as the
// user a conversation in which scauthd asks for the account password and the card's PIN.

import type { WirePairing } from '../../protocol/io-scauth.ts';
import { isInteractive } from '../terminal/answers.ts';
import { callAgent, converse, pagesOf } from '../agent/client.ts';
import { readCertificateFile } from '../card/certificate-file.ts';
import { chooseIdentity } from '../card/choose-identity.ts';
import { usage } from '../../words/sc-auth.ts';
import { pair as say } from '../../words/commands.ts';
import { setup } from '../../words/setup.ts';
import type { Command, CommandContext } from '../context.ts';
import { askWord } from '../terminal/ask-word.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption } from '../hash-option.ts';
import { sayWhetherOn } from '../pam/say-whether-on.ts';
import { sortedIdentities } from './identities.ts';
import { describePairing } from './list.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { accountForRoot } from './unpair.ts';
import { readPairing } from '../agent/wire.ts';

const help = `sc_auth pair [-v] [-u USER] [-h HASH | --certificate FILE] [--shared] [--spare]
             [--keyring yes|no] [--pin-fd N] [--password-fd N] [--json]
sc_auth pair --from FILE|FOLDER [--user-from file|cn|email|upn] [--shared] [--dry-run] [--json]

Pairs a card with an account: from then on card and PIN log it in.
As yourself: put the card in; your password and the card's PIN are asked for.
With sudo: for the account that called sudo, or -u USER; nothing is asked for but which key, when there are several.
With sudo and --from: many at once, a line of result each. What is paired already stays, so a list can be given again.

  -u, --user USER      the account
  -h, --hash HASH      which key: sc_auth identities. As root also for a card that is not there
  --certificate FILE   as root: the key of this certificate (PEM or DER; - is standard input), no card needed
  --shared             as root: although another account has this key
  --from FILE          as root: a CSV file (- is standard input) with a heading (user, and hash or certificate; other
                       columns are passed over) or without one: account, then hash or certificate file
  --from FOLDER        as root: each certificate of the folder (.pem, .crt, .cer, .der)
  --user-from file|cn|email|upn   (--from FOLDER) what names the account: the file as bob.pem does (so without it), the
                       certificate's common name, or its e-mail address or user principal name up to the @
  --dry-run            (--from) all is looked at, and nothing is paired
  --spare              a second card for an account that has one: it logs in like the first, and is kept in another place.
                       A key on the same card is refused
  --keyring yes|no     whether the card opens your login keyring too; without it you are asked, where that can be
  --password-fd N      read your password from the open file descriptor N, one line
  --pin-fd N           read the PIN from the open file descriptor N, one line
  -v, --verbose        print the pairing in full
  --json               {"pairing": {...}}; with --from {"dryRun", "paired", "wouldPair", "already", "refused", "notTried",
                       "rows": [{"line", "file", "user", "hash", "result", "error", "message"}]}

Without a terminal, password and PIN are the first and the second line of standard input.

Examples:
  sc_auth pair
  sudo sc_auth pair -u bob -h 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
  sudo sc_auth pair -u bob --certificate bob.pem
  sudo sc_auth pair --from cards.csv --dry-run
Exit codes: 0 paired; 1 failed; 2 wrong usage; 3 wrong PIN or password, or not allowed; 4 no card, no fitting key
or unknown user; 5 scauthd cannot be reached; 6 it was paired already; 130 cancelled. With --from: 0 something was
paired; 1 a row was refused, the others are done; 5 the last rows were not tried; 6 all were paired already.
`;

const OPTIONS = {
  verbose: { type: 'boolean', short: 'v' },
  user: { type: 'string', short: 'u' },
  hash: { type: 'string', short: 'h' },
  certificate: { type: 'string' },
  shared: { type: 'boolean' },
  from: { type: 'string' },
  'user-from': { type: 'string' },
  'dry-run': { type: 'boolean' },
  keyring: { type: 'string' },
  spare: { type: 'boolean' },
  'pin-fd': { type: 'string' },
  'password-fd': { type: 'string' },
} as const;

const ONE_ALONE = ['user', 'hash', 'certificate', 'keyring', 'pin-fd', 'password-fd'] as const;

interface Wanted {
  readonly user: string | undefined;
  readonly hash: string | null;
  readonly certificate: string | undefined;
  readonly shared: boolean;
  readonly spare: boolean;
  readonly keyring: 'ask' | 'yes' | 'no';
  readonly pinFd: number | null;
  readonly passwordFd: number | null;
}

/**
 * There is a first card, and this is another one; says what a spare is for. Why here: DECISIONS.md D257.
 * @param user null: the caller @param hash null: of a certificate
 * @throws CommandError `not-paired`, `already-paired`
 */
async function requireSpare(
  user: string | null,
  hash: string | null,
  context: CommandContext,
): Promise<void> {
  const first: WirePairing[] = [];
  for await (const page of pagesOf(context, 'ListPairings', { user }))
    first.push(...page.pairings.filter(({ lost }) => lost !== true));
  if (first.length === 0) throw new CommandError('not-paired', say.noFirst);
  const { paired, unpaired } = await sortedIdentities(context, null);
  const on = [...paired, ...unpaired].filter((identity) => identity.hash === hash);
  if (on.some((identity) => first.some(({ token }) => token === identity.token)))
    throw new CommandError('already-paired', say.sameCard);
  context.output.note(say.spareMeans);
}

async function pairAsRoot(wanted: Wanted, context: CommandContext): Promise<WirePairing> {
  if (wanted.pinFd !== null || wanted.passwordFd !== null) {
    throw new CommandError('usage', say.rootSecrets);
  }
  if (wanted.keyring === 'yes') throw new CommandError('usage', say.rootKeyring);
  const user = accountForRoot(wanted.user, context);
  const certificate =
    wanted.certificate === undefined ? null : readCertificateFile(wanted.certificate, context);
  const hash = certificate === null ? (wanted.hash ?? (await chooseIdentity(context, user))) : null;
  if (wanted.spare) await requireSpare(user, hash, context);
  const shared = wanted.shared && { shared: true };
  const add = () => callAgent(context, 'AddPairing', { user, hash, certificate, ...shared });
  const { pairing } = await withOwnSecrets(hash, context, add);
  if (!pairing.keyKnown) {
    context.output.note(say.cardNotHere);
  }
  return pairing;
}

async function pairAsUser(wanted: Wanted, context: CommandContext): Promise<WirePairing> {
  const user = context.userName();
  if (wanted.user !== undefined && wanted.user !== user) {
    throw new CommandError('not-allowed', say.otherAccount);
  }
  if (wanted.certificate !== undefined) {
    throw new CommandError('not-allowed', say.certificate);
  }
  if (wanted.shared) throw new CommandError('not-allowed', say.sharedAsRoot);
  const hash = wanted.hash ?? (await chooseIdentity(context, user));
  if (wanted.spare) await requireSpare(null, hash, context);
  const { keyring, pinFd, passwordFd } = wanted;
  const result = await withOwnSecrets(hash, context, () =>
    converse(context, 'Pair', { hash, keyring }, { pinFd, passwordFd }),
  );
  return readPairing(result['pairing']);
}

/** A card with the factory's PIN or PUK is not paired; at a terminal both may be changed on the spot. */
async function withOwnSecrets<T>(
  hash: string | null,
  context: CommandContext,
  pair: () => Promise<T>,
): Promise<T> {
  try {
    return await pair();
  } catch (error) {
    const refused = error instanceof CommandError && error.code === 'factory-secrets';
    if (!refused || hash === null || !isInteractive(context)) throw error;
    context.output.note(error.message);
    const yes = await askWord(context, setup.ownSecrets, say.yesOrNo, (answer) => {
      if (/^no?$/.test(answer)) return false;
      return /^(|y|yes)$/.test(answer) ? true : undefined;
    });
    if (yes !== true) throw error;
    await converse(context, 'TakeOwnSecrets', { hash }, {});
    return pair();
  }
}

/** Without a person nobody can be asked. @throws CommandError `usage` */
function keyringWish(word: string | undefined, context: CommandContext): Wanted['keyring'] {
  if (word === undefined) return isInteractive(context) ? 'ask' : 'no';
  if (word === 'yes' || word === 'no') return word;
  throw new CommandError('usage', say.keyring);
}

type Options = ReturnType<typeof parseOptions<typeof OPTIONS>>;

/** Many, by a list. @throws CommandError */
async function pairMany(from: string, options: Options, context: CommandContext): Promise<void> {
  const { toList } = await import('../../words/pair-list.ts');
  const { USER_SOURCES } = await import('../pair/wanted.ts');
  const { pairFromList } = await import('../pair/pair-list.ts');
  if (context.uid !== 0) throw new CommandError('not-allowed', toList.adminOnly);
  if (ONE_ALONE.some((name) => options[name] !== undefined)) throw new CommandError('usage', toList.alone);
  const asked = options['user-from'];
  const userFrom = USER_SOURCES.find((source) => source === asked) ?? null;
  if (asked !== undefined && userFrom === null) throw new CommandError('usage', toList.userFrom);
  const { shared = false, 'dry-run': dryRun = false } = options;
  await pairFromList({ from, userFrom, shared, dryRun }, context);
  sayWhetherOn(context);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('pair', args, OPTIONS);
  if (options.from !== undefined) return pairMany(options.from, options, context);
  for (const name of ['user-from', 'dry-run'] as const)
    if (options[name] !== undefined) throw new CommandError('usage', say.onlyFrom(name));
  const wanted: Wanted = {
    user: options.user,
    hash: hashOption(options.hash),
    certificate: options.certificate,
    shared: options.shared === true,
    spare: options.spare === true,
    keyring: keyringWish(options.keyring, context),
    pinFd: descriptorOption('pin-fd', options['pin-fd']),
    passwordFd: descriptorOption('password-fd', options['password-fd']),
  };
  if (wanted.hash !== null && wanted.certificate !== undefined) {
    throw new CommandError('usage', usage.notBoth('-h', '--certificate'));
  }
  const pairing = await (context.uid === 0 ? pairAsRoot(wanted, context) : pairAsUser(wanted, context));
  context.output.result({ pairing }, [
    say.done(pairing.hash, pairing.user),
    ...(options.verbose === true ? describePairing(pairing) : []),
  ]);
  sayWhetherOn(context);
}

export const command: Command = { help, run };
