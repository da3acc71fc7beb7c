// Debian packages for a test, with what they need and this machine has not, unpacked below build/. Not installed: that would
// change the machine's own PAM files, and start servers.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const BUILD = resolve(import.meta.dirname, '../../build');

export interface Tree {
  /** Below build/. */
  readonly name: string;
  readonly wanted: readonly string[];
  /** A file of the last of them. */
  readonly proof: string;
}

/** @returns the folder, which may be laid over a / */
export function unpack({ name: tree, wanted, proof }: Tree): string {
  const target = join(BUILD, tree);
  if (existsSync(join(target, proof))) return target;
  const plan = execFileSync('apt-get', ['--simulate', '--no-install-recommends', 'install', ...wanted], {
    encoding: 'utf8',
  });
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
  mkdirSync(BUILD, { recursive: true });
  const folder = mkdtempSync(`${target}-`);
  execFileSync('apt-get', ['-qq', 'download', ...names], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg', ['-x', file, '.'], { cwd: folder });
    rmSync(join(folder, file));
  }
  // As where /lib is a link to it.
  execFileSync('cp', ['-a', 'lib/.', 'usr/lib/'], { cwd: folder });
  rmSync(target, { recursive: true, force: true });
  renameSync(folder, target);
  return target;
}
