// sc_auth delete-ctk-identity and delete-all-ctk-identities: keys in the machine's own chip go, with their certificates.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import { notUnderstood } from '../../agent/wire.ts';
import type { Command, CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { hashOption } from '../../hash-option.ts';
import { descriptorOption, parseOptions } from '../../options.ts';
import { converse } from '../../agent/client.ts';

const deleteHelp = `sc_auth delete-ctk-identity -h HASH [--pin-fd N] [--json]

Deletes a key in this machine's own chip, and its certificate. Nobody can bring it back. Asks for the PIN of its token. A key
that is paired is left alone: sc_auth unpair first.

  -h, --hash HASH   the key: sc_auth list-ctk-identities
  --pin-fd N        read the PIN from the open file descriptor N, one line
  --json            {"deleted": [HASH, ...]}

Example:
  sc_auth delete-ctk-identity -h 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8
Exit codes: 0 done; 2 wrong usage, no such key, or one that is paired; 3 wrong PIN; 5 scauthd cannot be reached;
130 cancelled.
`;

const deleteAllHelp = `sc_auth delete-all-ctk-identities [--token TOKEN] [--pin-fd N] [--json]

Deletes each key of a token in this machine's own chip, and their certificates. Nobody can bring them back. Asks for the PIN.
Where one of them is paired nothing is deleted: sc_auth unpair first.

  --token TOKEN     the token, by its id or label, where there are several
  --pin-fd N        read the PIN from the open file descriptor N, one line
  --json            {"deleted": [HASH, ...]}

Example:
  sc_auth delete-all-ctk-identities
Exit codes: 0 done; 2 wrong usage, no such key, or one that is paired; 3 wrong PIN; 5 scauthd cannot be reached;
130 cancelled.
`;

async function remove(
  wanted: { readonly hash: string | null; readonly token: string | null },
  pinFd: number | null,
  context: CommandContext,
): Promise<void> {
  const { deleted } = await converse(context, 'DeleteKeys', wanted, { pinFd });
  if (!Array.isArray(deleted)) throw notUnderstood('result: deleted');
  const hashes = deleted.map(String);
  context.output.result({ deleted: hashes }, hashes.map(say.deleted));
  if (hashes.length === 0) context.output.note(say.none);
}

export const deleteOne: Command = {
  help: deleteHelp,
  async run(args, context) {
    const options = parseOptions('delete-ctk-identity', args, {
      hash: { type: 'string', short: 'h' },
      'pin-fd': { type: 'string' },
    });
    const hash = hashOption(options.hash);
    if (hash === null) throw new CommandError('usage', say.whichHash);
    await remove({ hash, token: null }, descriptorOption('pin-fd', options['pin-fd']), context);
  },
};

export const deleteAll: Command = {
  help: deleteAllHelp,
  async run(args, context) {
    const options = parseOptions('delete-all-ctk-identities', args, {
      token: { type: 'string' },
      'pin-fd': { type: 'string' },
    });
    const wanted = { hash: null, token: options.token ?? null };
    await remove(wanted, descriptorOption('pin-fd', options['pin-fd']), context);
  },
};
