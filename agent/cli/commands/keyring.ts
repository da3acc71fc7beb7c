// sc_auth keyring: whether a login by card opens the login keyring, as the password does.

import type { WireKeyringCard } from '../../protocol/io-scauth.ts';
import { callAgent, converse } from '../agent/client.ts';
import { keyringText } from '../../words/keyring.ts';
import { keyring as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption } from '../hash-option.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { accountForRoot } from './unpair.ts';
import { verbOf } from '../verb.ts';

const VERBS = ['status', 'enable', 'disable'] as const;

const help = `sc_auth keyring ${VERBS.join('|')} [-u USER] [-h HASH] [--pin-fd N] [--password-fd N] [--json]

Whether a login by card opens the login keyring (GNOME's, KDE's wallet), as a login by password does. The keyring is
opened with your account password; it is kept on this computer, sealed to the card's key for key management (9D), and
opened only by the card, after its PIN, in a login.

  status    which of your cards open the keyring
  enable    let the card that is in open it: asks for your password and the PIN
  disable   forget what was sealed for your cards

  -u, --user USER    another account: for the administrator; not with enable, which needs that account's password
  -h, --hash HASH    only this pairing: sc_auth list
  --password-fd N    read your password from the open file descriptor N, one line
  --pin-fd N         read the PIN from the open file descriptor N, one line
  --json             status: {"user", "allowed", "pam", "services", "cards": [...]}; enable: {"hash"};
                     disable: {"disabled": [...]}

passwd keeps it up to date by itself where pam_scauth.so stands behind pam_unix.so among the password lines.

Examples:
  sc_auth keyring status
  sc_auth keyring enable
  sudo sc_auth keyring disable -u bob
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 wrong PIN or password, or not allowed; 4 no card, no pairing, or no key
for it on the card; 5 scauthd cannot be reached; 130 cancelled.
`;

const OPTIONS = {
  user: { type: 'string', short: 'u' },
  hash: { type: 'string', short: 'h' },
  'pin-fd': { type: 'string' },
  'password-fd': { type: 'string' },
} as const;

function stateOf({ enabled, passwordChanged, sealedAt }: WireKeyringCard): string {
  if (!enabled) return say.closed;
  if (passwordChanged === true) return say.oldPassword;
  return say.opens(sealedAt?.slice(0, 10) ?? 'unknown');
}

async function status(user: string | null, context: CommandContext): Promise<void> {
  const reply = await callAgent(context, 'GetKeyring', { user });
  const lines = reply.cards.map((card) => `${card.hash}\t${card.label}: ${stateOf(card)}`);
  if (reply.cards.length === 0) lines.push(say.noCard(reply.user));
  if (!reply.allowed) lines.push(say.notAllowed);
  else if (!reply.pam) lines.push(say.noPam);
  context.output.result({ ...reply }, lines);
}

function requireOwn(user: string | undefined, context: CommandContext): void {
  if (user === undefined || user === context.userName()) return;
  throw new CommandError('not-allowed', say.ownOnly);
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const [word, ...rest] = args;
  const action = verbOf('keyring', word, VERBS);
  const options = parseOptions('keyring', rest, OPTIONS);
  const hash = hashOption(options.hash);
  const user =
    context.uid === 0 && action !== 'enable' ? accountForRoot(options.user, context) : (options.user ?? null);
  switch (action) {
    case 'status':
      await status(user, context);
      return;
    case 'enable': {
      requireOwn(options.user, context);
      const pinFd = descriptorOption('pin-fd', options['pin-fd']);
      const passwordFd = descriptorOption('password-fd', options['password-fd']);
      const result = await converse(context, 'EnableKeyring', { hash }, { pinFd, passwordFd });
      context.output.result({ hash: String(result['hash']) }, [keyringText.enabled]);
      return;
    }
    case 'disable': {
      const { disabled } = await callAgent(context, 'DisableKeyring', { user, hash });
      if (disabled.length === 0) throw new CommandError('not-paired', say.noneOpened);
      const lines = disabled.map(say.disabled);
      context.output.result({ disabled }, lines);
      return;
    }
  }
}

export const command: Command = { help, run };
