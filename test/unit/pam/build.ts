// Builds the module and the C test programs, once for all test files that run at the same time, and says where
// they are. It runs make and nothing else. Specification: pam/Makefile.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

export const BUILD = join(ROOT, 'build');

/** The module as it is installed, its twin under ASan and UBSan, and the one whose calls can be made to fail. */
export const MODULES = {
  plain: join(BUILD, 'pam_scauth.so'),
  asan: join(BUILD, 'asan/pam_scauth.so'),
  faults: join(BUILD, 'faults/pam_scauth.so'),
} as const;

export type ModuleName = keyof typeof MODULES;

/** The path of a test program; `plain` is without sanitizers. */
export function program(name: string, kind: 'sanitized' | 'plain'): string {
  return join(BUILD, 'test-pam', kind === 'plain' ? 'plain' : '.', name);
}

/** The vector files, in the order of their names. */
export function vectorFiles(): string[] {
  const folder = join(ROOT, 'test/vectors/frames');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.tsv'))
    .sort()
    .map((name) => join(folder, name));
}

/** The sanitizers end the program with 99, which nothing else does. */
export const SANITIZER_ENVIRONMENT = {
  ...process.env,
  ASAN_OPTIONS: 'detect_leaks=1:exitcode=99',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};

/**
 * Builds what is not built yet. Test files run in processes of their own, so make is called under a lock.
 * @throws Error with the compiler's messages, or if this process is not root: the module trusts only root's agent.
 */
export function buildPam(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('These tests play an agent that must be root: run them as root, or under `unshare -Ur`.');
  }
  mkdirSync(BUILD, { recursive: true });
  execFileSync('flock', [join(BUILD, 'pam.lock'), 'make', '-s', '-C', join(ROOT, 'pam'), 'test-programs'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
}
