// sc_auth import-ctk-certificate: import-certificate in macOS' words.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import type { Command, CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { parseOptions } from '../../options.ts';
import { command as importCertificate } from '../import-certificate.ts';

const help = `sc_auth import-ctk-certificate -f FILE [--pin-fd N] [--json]

Puts a certificate on the token that has its key, in the place of the one that is there: what an authority made of the request
of sc_auth create-ctk-csr. Asks for the PIN. The same as sc_auth import-certificate --certificate FILE.

  -f, --file FILE   PEM or DER; - is standard input
  --pin-fd N        read the PIN from the open file descriptor N, one line
  --json            {"token": TOKEN, "hash": HASH}

Example:
  sc_auth import-ctk-certificate -f ada.pem
Exit codes: 0 done; 2 wrong usage; 3 wrong PIN, or not allowed; 4 no key for it; 5 scauthd cannot be reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const { file, 'pin-fd': pinFd } = parseOptions('import-ctk-certificate', args, {
    file: { type: 'string', short: 'f' },
    'pin-fd': { type: 'string' },
  });
  if (file === undefined) throw new CommandError('usage', say.whichFile);
  await importCertificate.run(
    ['--certificate', file, ...(pinFd === undefined ? [] : ['--pin-fd', pinFd])],
    context,
  );
}

export const command: Command = { help, run };
