// Started by password.test.ts inside of a mount namespace with its own /etc/passwd and /etc/shadow: checks the
// password on standard input and prints the code of the outcome. Arguments: service, user, confdir.

import { readFileSync } from 'node:fs';
import { asAgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import { checkPassword } from '../../../agent/accounts/password.ts';

const [, , service = '', user = '', confdir = ''] = process.argv;
try {
  await checkPassword({ service, user, confdir, password: new Pin(readFileSync(0)), timeoutMs: 20_000 });
  process.stdout.write('good\n');
} catch (error) {
  const { code, detail } = asAgentError(error);
  process.stdout.write(`${code}: ${detail}\n`);
}
