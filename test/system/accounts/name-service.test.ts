// A name service that fails has not said that somebody is in no group: in a process without a free descriptor /etc/group
// cannot be read, and the C library says so.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const MODULE = join(import.meta.dirname, '../../../agent/accounts/account-list.ts');
const PROGRAM = `
import { openSync } from 'node:fs';
import { systemDirectory } from ${JSON.stringify(MODULE)};
const asked = () => systemDirectory.isMember('root', 'no-such-group').then(String, ({ code }) => code);
console.log(await asked());
try { for (;;) openSync('/dev/null', 'r'); } catch {}
console.log(await asked());
`;

test('a name service that fails is an error, and no "no such group"', (t) => {
  const script = 'ulimit -n 64; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"';
  const said = execFileSync('sh', ['-c', script, process.execPath, PROGRAM], { encoding: 'utf8' });
  t.is(said, 'null\ninternal\n');
});
