// Where there is no way to the kernel's audit, that is said when forwarding begins, and not at somebody's first login.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

const MODULE = join(import.meta.dirname, '../../../../agent/audit/forward/linux-audit.ts');
const PROGRAM = `
import { openSync } from 'node:fs';
import { LinuxAudit } from ${JSON.stringify(MODULE)};
const say = (line) => console.log(line);
new LinuxAudit(() => undefined); // the library is loaded
try { for (;;) openSync('/dev/null', 'r'); } catch { console.log('no descriptor is left'); }
const audit = new LinuxAudit(say);
audit.send({ kind: 'login', fields: {} });
audit.close();
`;

test('without a way to the kernel’s audit one line says so, at once', (t) => {
  const script = 'ulimit -n 64; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"';
  const said = execFileSync('sh', ['-c', script, process.execPath, PROGRAM], { encoding: 'utf8' });
  t.deepEqual(said.trim().split('\n'), [
    'no descriptor is left',
    'nothing goes to Linux audit: Error: the kernel has no audit',
  ]);
});
