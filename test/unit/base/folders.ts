// A folder for one test, removed after it; and acting as another user for a moment. Real files, real kernel checks.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

/** A fresh folder that others may enter; gone when the test ends. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-test-'));
  chmodSync(folder, 0o755);
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** nobody: in every Linux's /etc/passwd, and owner of nothing. */
export const NOBODY = 65534;

/** Runs `act`, which must be synchronous, with the effective uid and gid of nobody. */
export function asNobody<T>(act: () => T): T {
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

/** Tests that change owner or user need root; without it they are skipped, visibly. One at a time: see asNobody. */
export const rootTest = process.geteuid?.() === 0 ? test.serial : test.serial.skip;
