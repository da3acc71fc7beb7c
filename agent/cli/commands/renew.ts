// sc_auth renew: a card that was issued anew takes the place of a paired one. scauthd asks for the account password and the
// new card's PIN; this file only says which keys are meant.

import { chooseIdentity } from '../card/choose-identity.ts';
import { renew as say } from '../../words/commands.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { hashOption } from '../hash-option.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { converse } from '../agent/client.ts';
import { readPairing } from '../agent/wire.ts';

const help = `sc_auth renew [-h HASH] [--old HASH] [--keep] [--pin-fd N] [--password-fd N] [--json]

A new card with a new key takes the place of a paired one: put it in; your password and its PIN are asked for. The old card
need not be there; its pairing goes, and the login keyring opens by the new card where the old one opened it.
A new certificate for the same key needs nothing: the card logs in as before.

  -h, --hash HASH    which key of the new card: sc_auth identities
  --old HASH         whose place it takes, when several are paired: sc_auth list
  --keep             the old card goes on to log in
  --password-fd N    read your password from the open file descriptor N, one line
  --pin-fd N         read the PIN from the open file descriptor N, one line
  --json             {"pairing": {...}, "removed": null or {...}}

Where the administrator has set pairing.renew to "same-subject", the password is not asked for if a trusted authority has
given both cards to the same person; the keyring then needs: sc_auth keyring enable.
Without a terminal, password and PIN are the first and the second line of standard input.

Example:
  sc_auth renew
Exit codes: 0 done; 2 wrong usage, or several are paired and none named; 3 wrong PIN or password, or not allowed; 4 no card,
no fitting key, or nothing is paired; 5 scauthd cannot be reached; 6 it is paired already; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('renew', args, {
    hash: { type: 'string', short: 'h' },
    old: { type: 'string' },
    keep: { type: 'boolean' },
    'pin-fd': { type: 'string' },
    'password-fd': { type: 'string' },
  });
  const old = hashOption(options.old);
  const named = hashOption(options.hash);
  const sources = {
    pinFd: descriptorOption('pin-fd', options['pin-fd']),
    passwordFd: descriptorOption('password-fd', options['password-fd']),
  };
  if (context.uid === 0) throw new CommandError('not-allowed', say.asRoot);
  const hash = named ?? (await chooseIdentity(context, context.userName()));
  const result = await converse(context, 'Renew', { hash, old, keep: options.keep === true }, sources);
  const pairing = readPairing(result['pairing']);
  const removed = result['removed'] == null ? null : readPairing(result['removed']);
  context.output.result({ pairing, removed }, [
    say.done(pairing.hash, pairing.user),
    removed === null ? say.kept : say.removed(removed.hash),
    say.rehearse,
  ]);
}

export const command: Command = { help, run };
