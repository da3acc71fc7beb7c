// sc_auth import-certificate: puts the certificate that an authority made on the card that has its key.

import { setup as say } from '../../words/setup.ts';
import { notUnderstood } from '../agent/wire.ts';
import { readCertificateFile } from '../card/certificate-file.ts';
import type { Command, CommandContext } from '../context.ts';
import { CommandError } from '../exit-codes.ts';
import { descriptorOption, parseOptions } from '../options.ts';
import { converse } from '../agent/client.ts';

const help = `sc_auth import-certificate --certificate FILE [-t TOKEN] [--pin-fd N] [--json]

Puts a certificate on the card that has its key, in the place of the one that is there: what an authority made of the
request of sc_auth setup --csr. Asks for the card's PIN. A certificate for another key is refused.

  --certificate FILE   PEM or DER; - is standard input
  -t, --token TOKEN    only on this card: sc_auth list-smartcards
  --pin-fd N           read the PIN from the open file descriptor N, one line
  --json               {"token": TOKEN, "hash": HASH}

Example:
  sc_auth import-certificate --certificate ada.pem
Exit codes: 0 done; 2 wrong usage; 3 wrong PIN, or not allowed; 4 no card, or none with this key; 5 scauthd cannot be
reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('import-certificate', args, {
    certificate: { type: 'string' },
    token: { type: 'string', short: 't' },
    'pin-fd': { type: 'string' },
  });
  if (options.certificate === undefined) throw new CommandError('usage', say.whichCertificate);
  const certificate = readCertificateFile(options.certificate, context);
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const wanted = { certificate, token: options.token ?? null };
  const { token, hash } = await converse(context, 'ImportCertificate', wanted, { pinFd });
  if (typeof token !== 'string' || typeof hash !== 'string') throw notUnderstood('result: token, hash');
  context.output.result({ token, hash }, [say.imported(hash)]);
}

export const command: Command = { help, run };
