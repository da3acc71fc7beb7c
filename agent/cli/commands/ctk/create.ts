// sc_auth create-ctk-identity: a key for logins in the machine's own chip. Words and options as on macOS.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import { notUnderstood } from '../../agent/wire.ts';
import type { Command, CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { descriptorOption, parseOptions } from '../../options.ts';
import { converse } from '../../agent/client.ts';
import { SUBJECT_HELP, SUBJECT_OPTIONS, subjectOf } from './subject-options.ts';

const help = `sc_auth create-ctk-identity -l LABEL -k p-256-ne|p-384-ne [-N NAME] [-E ADDRESS] [-U UNIT]
              [-O ORGANISATION] [-L LOCALITY] [-S STATE] [-C COUNTRY]
              [--token TOKEN | --new-token] [--pin-fd N] [--json]

Makes a key for logins in this machine's own chip (its TPM, by tpm2-pkcs11: see pkcs11.modules), and a certificate that it
signs itself. The key cannot be taken out of the chip, and is used with the PIN of its token, which is asked for. Pair it as
a card: sc_auth pair. The machine has no card then that could be taken away from it.

  -l, --label LABEL        a name for the key, at most 32 bytes
  -k, --key-type KIND      p-256-ne or p-384-ne; p-256 and p-384 are the same here, since no key can be exported
  -t, --protection none    for scripts written for macOS: the PIN protects the key all the same
${SUBJECT_HELP}
  --token TOKEN            on this token of the chip, by its id or label, where there are several
  --new-token              (root) on a new token named LABEL, with a PIN of its own: asks twice for it. A token for each person
                           keeps one from logging in as the other
  --pin-fd N               read the PIN, or the new PIN and the new PIN again, from the open file descriptor N, one line each
  --json                   {"hash": HASH, "token": TOKEN}

Examples:
  sudo sc_auth create-ctk-identity -l "Ada's laptop" -k p-256-ne --new-token
  sc_auth create-ctk-identity -l login -k p-256-ne -N "Ada Lovelace"
Exit codes: 0 done; 2 wrong usage, or no such token; 3 wrong PIN, or not allowed; 4 no card; 5 scauthd cannot be reached;
130 cancelled.
`;

const ALGORITHMS: Readonly<Record<string, string>> = {
  'p-256-ne': 'p256',
  'p-384-ne': 'p384',
  'p-256': 'p256',
  'p-384': 'p384',
};

/** @throws CommandError `usage` */
function algorithmOf(kind: string | undefined): string {
  if (kind === undefined) throw new CommandError('usage', say.whichKind);
  const algorithm = Object.hasOwn(ALGORITHMS, kind) ? ALGORITHMS[kind] : undefined;
  if (algorithm === undefined) throw new CommandError('usage', say.noKind(kind));
  return algorithm;
}

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('create-ctk-identity', args, {
    label: { type: 'string', short: 'l' },
    'key-type': { type: 'string', short: 'k' },
    protection: { type: 'string', short: 't' },
    token: { type: 'string' },
    'new-token': { type: 'boolean' },
    'pin-fd': { type: 'string' },
    ...SUBJECT_OPTIONS,
  });
  const { label = '', 'key-type': kind, protection = 'none', 'new-token': newToken = false } = options;
  if (label === '' || Buffer.byteLength(label) > 32) throw new CommandError('usage', say.whichLabel);
  const algorithm = algorithmOf(kind);
  if (protection !== 'none')
    throw new CommandError('usage', protection === 'bio' ? say.noBiometry : say.noProtection(protection));
  if (newToken && context.uid !== 0) throw new CommandError('not-allowed', say.newTokenIsRoots);
  const subject = subjectOf(options);
  const wanted = { token: options.token ?? null, newToken, label, algorithm, ...subject };
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const { hash, token } = await converse(context, 'CreateKey', wanted, { pinFd });
  if (typeof hash !== 'string' || typeof token !== 'string') throw notUnderstood('result: hash, token');
  context.output.result({ hash, token }, [say.created(hash)]);
  if (kind?.endsWith('-ne') === false) context.output.note(say.staysIn);
}

export const command: Command = { help, run };
