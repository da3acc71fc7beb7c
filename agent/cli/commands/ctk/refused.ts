// macOS' commands that take a key out of the chip or put one in from a file: refused, with what to do instead.
// Why: DECISIONS.md D251.

import { machineKeys as say } from '../../../words/machine-keys.ts';
import type { Command } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';

function refusal(why: string, help: string): Command {
  // Options are not looked at: a password may be among them.
  return { help, run: () => Promise.reject(new CommandError('not-allowed', why)) };
}

export const exportIdentity = refusal(
  say.noExport,
  `sc_auth export-ctk-identity -h HASH -f FILE [-p PASSWORD]

For scripts written for macOS: it always fails. A key in this machine's chip cannot be taken out of it. Its certificate comes
out by sc_auth export-smartcard.

  -h, --hash HASH   the key
  -f, --file FILE   where it would go
  -p PASSWORD       what would open it

Exit codes: 3 refused.
`,
);
export const importIdentities = refusal(
  say.noImport,
  `sc_auth import-ctk-identities -f FILE [-t bio|none] [-p PASSWORD]

For scripts written for macOS: it always fails. A key of a file is never the chip's alone. Make one in the chip: sc_auth
create-ctk-identity.

  -f, --file FILE   where it is
  -t bio|none       how it would be protected
  -p PASSWORD       what opens it

Exit codes: 3 refused.
`,
);
