// sc_auth create-ctk-csr: a request for a certificate (PKCS#10), signed by a key in the machine's own chip.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import { notUnderstood } from '../../agent/wire.ts';
import { requestPem, requireNew, writeNew } from '../../card/new-file.ts';
import type { Command, CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { hashOption } from '../../hash-option.ts';
import { descriptorOption, parseOptions } from '../../options.ts';
import { converse } from '../../agent/client.ts';
import { SUBJECT_HELP, SUBJECT_OPTIONS, subjectOf } from './subject-options.ts';

const help = `sc_auth create-ctk-csr -h HASH -f FILE [-N NAME] [-E ADDRESS] [-U UNIT] [-O ORGANISATION]
              [-L LOCALITY] [-S STATE] [-C COUNTRY] [--pin-fd N] [--json]

Writes a request for a certificate (PKCS#10, PEM), which a key in this machine's own chip signs. Asks for the PIN.

  -h, --hash HASH          the key: sc_auth list-ctk-identities
  -f, --file FILE          where the request goes; it must not be there yet
${SUBJECT_HELP}
  --pin-fd N               read the PIN from the open file descriptor N, one line
  --json                   {"request": FILE}

Example:
  sc_auth create-ctk-csr -h 0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8 -f ada.csr
Exit codes: 0 done; 2 wrong usage, or no such key; 3 wrong PIN; 5 scauthd cannot be reached; 130 cancelled.
`;

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions('create-ctk-csr', args, {
    hash: { type: 'string', short: 'h' },
    file: { type: 'string', short: 'f' },
    'pin-fd': { type: 'string' },
    ...SUBJECT_OPTIONS,
  });
  const hash = hashOption(options.hash);
  const { file } = options;
  if (hash === null) throw new CommandError('usage', say.whichHash);
  if (file === undefined) throw new CommandError('usage', say.whichFile);
  requireNew(file);
  const pinFd = descriptorOption('pin-fd', options['pin-fd']);
  const wanted = { hash, ...subjectOf(options) };
  const { request } = await converse(context, 'RequestCertificate', wanted, { pinFd });
  if (typeof request !== 'string') throw notUnderstood('result: request');
  writeNew(file, requestPem(request));
  context.output.result({ request: file }, [say.requested(file)]);
}

export const command: Command = { help, run };
