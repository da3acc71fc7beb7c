// Logins of the module as it is shipped, one after the other in one process under valgrind: neither an invalid access, nor
// a jump on memory that nobody has written, nor a byte that nobody can free any more.

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BUILD, buildPam, MODULES } from '../unit/pam/build.ts';
import { makePamFolder } from '../unit/pam/client.ts';

const PROGRAM = join(BUILD, 'soak/module-logins');
/** Nothing else ends with it. */
const FOUND = 99;

/** What the agent plays (scripted_agent.h), and whether that lets in. */
export const SCRIPTS = { BWQAWTG: true, BWQAWTD: false, BQAU: true, BQ: false } as const;

function build(): void {
  buildPam();
  execFileSync('mkdir', ['-p', join(BUILD, 'soak')]);
  const sources = ['module-logins.c', '../unit/pam/scripted_agent.c'].map((file) =>
    join(import.meta.dirname, file),
  );
  const flags = ['-std=c11', '-D_POSIX_C_SOURCE=200809L', '-g', '-O1', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', PROGRAM, ...sources, '-lpam']);
}

/** @returns how many got in @throws Error with what valgrind found */
export async function loginsUnderValgrind(script: keyof typeof SCRIPTS, count: number): Promise<number> {
  build();
  const place = makePamFolder();
  try {
    const line = `required ${MODULES.plain} socket=${place.socketPath} timeout=20`;
    place.writeService('alone', [`auth ${line}`, `account ${line}`]);
    const options = ['--quiet', '--leak-check=full', '--errors-for-leak-kinds=definite,indirect,possible'];
    const { stdout } = await promisify(execFile)(
      'valgrind',
      [...options, `--error-exitcode=${FOUND}`, PROGRAM, place.folder, script, String(count)],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    return Number(stdout);
  } finally {
    place.remove();
  }
}
