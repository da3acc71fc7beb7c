// What the module shows to the world, and how it was linked.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import { buildPam, MODULES } from './build.ts';

function inspect(command: string, ...parameters: string[]): string {
  return execFileSync(command, [...parameters, MODULES.plain], { encoding: 'utf8' });
}

function symbols(...parameters: string[]): string[] {
  return inspect('nm', '-D', ...parameters)
    .trim()
    .split('\n')
    .map((line) => (line.trim().split(/\s+/).at(-1) ?? '').replace(/@.*/, ''))
    .sort();
}

test.before(buildPam);

test('the module exports the six pam_sm_ functions and nothing else', (t) => {
  t.deepEqual(symbols('--defined-only'), [
    'pam_sm_acct_mgmt',
    'pam_sm_authenticate',
    'pam_sm_chauthtok',
    'pam_sm_close_session',
    'pam_sm_open_session',
    'pam_sm_setcred',
  ]);
});

test('the module needs libpam and libc only', (t) => {
  const needed = [...inspect('readelf', '-dW').matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1]);
  t.deepEqual(needed.sort(), ['libc.so.6', 'libpam.so.0']);
});

test('the module is hardened: RELRO, bound at once, no executable stack, no text relocations', (t) => {
  const dynamic = inspect('readelf', '-dW');
  const segments = inspect('readelf', '-lW');
  t.regex(dynamic, /BIND_NOW/);
  t.notRegex(dynamic, /TEXTREL/);
  t.notRegex(dynamic, /RPATH|RUNPATH/);
  t.regex(segments, /GNU_RELRO/);
  t.regex(segments, /GNU_STACK.* RW /);
  t.notRegex(segments, /RWE/);
});

test('the module is hardened: stack protector, fortified calls, branch protection', (t) => {
  const undefinedSymbols = symbols('--undefined-only');
  t.true(undefinedSymbols.includes('__stack_chk_fail'));
  t.true(undefinedSymbols.some((name) => name.endsWith('_chk')));
  // Debian's own start files lack the property note, so the linker drops it; the code has the landing pads.
  if (process.arch === 'x64') t.regex(inspect('objdump', '-d'), /<pam_sm_authenticate[^>]*>:\n.*endbr64/);
});

test('the module has no path of the build machine in it', (t) => {
  t.notRegex(readFileSync(MODULES.plain, 'latin1'), /\/pam\/module|\/build\//);
});

test('each call that can fail is among those that the fault tests let fail', (t) => {
  const cannotFail = new Set([
    ...['__cxa_finalize', '__gmon_start__', '_ITM_deregisterTMCloneTable', '_ITM_registerTMCloneTable'],
    ...['__errno_location', '__stack_chk_fail', 'free', 'getpgrp', 'pam_strerror', 'pam_syslog'],
    ...[
      'explicit_bzero',
      '__explicit_bzero_chk',
      'memchr',
      'memcpy',
      '__memcpy_chk',
      'memset',
      '__memset_chk',
    ],
    ...['geteuid', 'getuid', 'memcmp', 'strcmp', 'strcpy', '__strcpy_chk', 'strlen', 'strncmp', 'strnlen'],
    ...['strrchr', 'strspn'],
    ...['sigaddset', 'sigdelset', 'sigemptyset', 'sigismember'],
  ]);
  const makefile = readFileSync(join(import.meta.dirname, '../../../pam/Makefile'), 'utf8');
  const wrapped = new Set(/^WRAPPED := ((?:.*\\\n)*.*)$/m.exec(makefile)?.[1]?.split(/[\s\\]+/));
  t.true(wrapped.has('poll'));
  const unknown = symbols('--undefined-only').filter((name) => !wrapped.has(name) && !cannotFail.has(name));
  t.deepEqual(unknown, []);
});
