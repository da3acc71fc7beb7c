// A scauthd that only writes records, to be killed: node killed-writer.ts LOG LIFE. Prints the number of each record
// after it is on disk, as a grant would go out.

import { writeSync } from 'node:fs';
import { FileAuditLog } from '../../../agent/audit/file-log.ts';
import { systemClock } from '../../../agent/base/clock.ts';
import { login } from '../../kit/audit/events.ts';

const [path = '', life = ''] = process.argv.slice(2);
const log = new FileAuditLog(path, systemClock);
for (let number = 0; ; number += 1) {
  // A record now and then is long, so that a write is more than one page.
  const detail = number % 5 === 0 ? 'x'.repeat(500) : null;
  await log.record(login({ kind: 'granted' }, { requestId: `${life}.${number}`, detail, tty: detail }));
  writeSync(1, `${life}.${number}\n`);
}
