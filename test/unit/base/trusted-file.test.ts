// L15: files that decide something are believed only when nobody but root could have made or changed them.

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'ava';
import { AgentError } from '../../../agent/base/errors.ts';
import { readTrustedFile } from '../../../agent/base/trusted-file.ts';
import { asNobody, NOBODY, rootTest, temporaryFolder } from './folders.ts';

const notAllowed = { instanceOf: AgentError, code: 'not-allowed' } as const;

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test.serial('a plain file of ours is read; a missing one is null', (t) => {
  const path = join(temporaryFolder(t), 'file');
  t.is(readTrustedFile(path, 10), null);
  writeFileSync(path, '0123456789', { mode: 0o600 });
  t.is(readTrustedFile(path, 10)?.toString(), '0123456789');
  t.throws(() => readTrustedFile(path, 9), { instanceOf: AgentError, code: 'malformed' });
  t.throws(() => readTrustedFile(join(path, 'below'), 10), { code: 'ENOTDIR' });
});

test.serial(
  'L15: links, FIFOs, folders, other writers and relative paths are refused, and no descriptor is left',
  (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'file');
    writeFileSync(path, 'x', { mode: 0o644 });
    const before = openDescriptors();

    symlinkSync(path, join(folder, 'link'));
    t.throws(() => readTrustedFile(join(folder, 'link'), 10), notAllowed);
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    t.throws(() => readTrustedFile(join(folder, 'fifo'), 10), notAllowed);
    mkdirSync(join(folder, 'folder'));
    t.throws(() => readTrustedFile(join(folder, 'folder'), 10), notAllowed);
    t.throws(() => readTrustedFile('/dev/null', 10), notAllowed);
    t.throws(() => readTrustedFile(relative(process.cwd(), path), 10), notAllowed);
    for (const mode of [0o664, 0o646, 0o666]) {
      chmodSync(path, mode);
      t.throws(() => readTrustedFile(path, 10), notAllowed);
    }
    chmodSync(path, 0o644);
    linkSync(path, join(folder, 'second name'));
    t.throws(() => readTrustedFile(path, 10), notAllowed);
    t.is(openDescriptors(), before);
  },
);

rootTest("L15: another user's file is refused", (t) => {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, 'x', { mode: 0o600 });
  chownSync(path, NOBODY, NOBODY);
  t.throws(() => readTrustedFile(path, 10), notAllowed);
});

rootTest('L16: a file that may not be read is an error, not a missing file', (t) => {
  const path = join(temporaryFolder(t), 'file');
  writeFileSync(path, 'x', { mode: 0o600 });
  t.throws(() => asNobody(() => readTrustedFile(path, 10)), { code: 'EACCES' });
});
