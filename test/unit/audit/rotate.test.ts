// The real logrotate with the file that we ship, while records are written: no record is lost, the chain stays whole,
// and the seal and its key are not touched.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FileAuditLog } from '../../../agent/audit/file-log.ts';
import { rootTest, temporaryFolder } from '../base/folders.ts';
import { audit } from '../cli/audit/log.ts';
import { login } from '../../kit/audit/events.ts';

const SHIPPED = resolve(import.meta.dirname, '../../../install/logrotate/scauth');

rootTest('logrotate with our file, 12 times among 240 records: all are there, in one chain', async (t) => {
  const folder = temporaryFolder(t);
  const logs = join(folder, 'scauth');
  mkdirSync(logs, { mode: 0o750 });
  const path = join(logs, 'audit.jsonl');
  const config = join(folder, 'logrotate.conf');
  const shipped = readFileSync(SHIPPED, 'utf8');
  t.true(shipped.includes('/var/log/scauth/audit.jsonl {'));
  writeFileSync(config, shipped.replace('/var/log/scauth/audit.jsonl', path), { mode: 0o644 });
  const rotate = (): void => {
    execFileSync('/usr/sbin/logrotate', ['--force', '--state', join(folder, 'state'), config], {
      stdio: 'pipe',
    });
  };
  let nowMs = 1_768_000_000_000;
  const log = new FileAuditLog(path, { nowMs: () => (nowMs += 10), monotonicMs: () => 0 });
  const record = (index: number) => log.record(login({ kind: 'granted' }, { requestId: `r${index}` }));
  for (let turn = 0; turn < 12; turn += 1) {
    const writing = Array.from({ length: 20 }, (_, index) => record(turn * 20 + index));
    if (turn % 2 === 0) await Promise.all(writing);
    rotate();
    // Put aside, and not made anew by logrotate.
    if (turn % 2 === 0) t.false(existsSync(path));
    await Promise.all(writing);
  }
  await record(240);
  await log.close();
  const names = readdirSync(logs).sort();
  t.true(names.includes('audit.jsonl.1') && names.includes('audit.jsonl.3.gz'), names.join(' '));
  t.deepEqual(
    names.filter((name) => /seal|key/.test(name)),
    ['audit.jsonl.key', 'audit.jsonl.seal'],
  );
  const { code, out } = await audit(path, 'verify');
  t.is(code, 0, out);
  t.regex(out, /The log is whole: 241 records/);
  const found = await audit(path, 'search', '--json');
  const requests = found.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { unmapped: { request_id: string } }).unmapped.request_id);
  t.deepEqual(
    requests,
    Array.from({ length: 241 }, (_, index) => `r${index}`),
  );
  // Nothing to do for an empty folder.
  rotate();
  rotate();
});
