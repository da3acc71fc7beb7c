// What the kernel says of a process, read whole or not at all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { processFacts } from '../../../agent/base/process-identity.ts';
import { readProcFile, readProcLink } from '../../../agent/base/proc-file.ts';

test('a file is what readFileSync reads', (t) => {
  t.is(readProcFile(process.pid, 'cgroup', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
  t.is(readProcFile('self', 'comm'), readFileSync('/proc/self/comm', 'latin1'));
  const limits = readProcFile('self', 'limits');
  t.is(limits, readFileSync('/proc/self/limits', 'latin1'));
  t.is(readProcLink('self', 'exe'), process.execPath);
});

test('one that is too long, is not there, or belongs to nobody is null, and no descriptor stays open', (t) => {
  const fds = (): number => Number(/^FDSize:\s+(\d+)/m.exec(readProcFile('self', 'status') ?? '')?.[1]);
  const before = fds();
  for (let time = 0; time < 2 * before; time += 1) {
    t.is(readProcFile('self', 'smaps'), null);
    t.is(readProcFile('self', 'no-such-file'), null);
  }
  t.is(fds(), before);
  t.is(readProcLink('self', 'no-such-link'), null);
});

test('a number that is no process has no facts', (t) => {
  t.is(processFacts(process.pid)?.parentPid, process.ppid);
  for (const pid of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    t.is(processFacts(pid), null);
});

test('a process that has ended is null', async (t) => {
  const child = spawn('true');
  const { pid = 0 } = child;
  await once(child, 'exit');
  t.is(readProcFile(pid, 'comm'), null);
  t.is(readProcLink(pid, 'exe'), null);
});
