// macOS' commands that take a key out of the chip or put one in from a file: refused, with what to do instead.
// Why: DECISIONS.md D251.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import type { Command } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';

function refusal(name: string, why: string): Command {
  const help = `sc_auth ${name}

For scripts written for macOS: it always fails. ${why}

Exit codes: 3.
`;
  // Options are not looked at: a password may be among them.
  return { help, run: () => Promise.reject(new CommandError('not-allowed', why)) };
}

export const exportIdentity = refusal('export-ctk-identity', say.noExport);
export const importIdentities = refusal('import-ctk-identities', say.noImport);
