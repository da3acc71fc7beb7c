// The packages that the tests install: the one of this checkout, and the same as a later version. Made once for a
// run. The later one is the first with another version in its control file, so that only the upgrade is new.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { layOutTarball, makeDeb } from '../../install/package/deb.ts';
import { makeTree } from '../../install/package/tree.ts';
import { REPOSITORY } from '../sandbox/namespace.ts';

const WORK = join(REPOSITORY, 'build/package-test');

/** Set by run.ts when the packages are there already. */
export const READY = 'SCAUTH_TEST_PACKAGES';

export interface Packages {
  /** Paths as programs in a World see them. */
  readonly first: string;
  readonly later: string;
  /** The folder that the tarball unpacks to. */
  readonly tarball: string;
  /** Path on the machine. */
  readonly file: string;
}

/** Makes both. @throws Error when they cannot be made */
export async function makePackages(): Promise<Packages> {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    version: string;
  };
  const inside = (path: string): string => `/run/sandbox/app${path.slice(REPOSITORY.length)}`;
  const file = join(REPOSITORY, 'dist', `scauth_${version}_amd64.deb`);
  const packages = {
    file,
    first: inside(file),
    later: inside(join(WORK, 'later.deb')),
    tarball: inside(join(WORK, 'tarball')),
  };
  if (process.env[READY] !== undefined) return packages;
  process.umask(0o022);
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  const tree = join(WORK, 'tree');
  await makeTree(REPOSITORY, tree);
  makeDeb(REPOSITORY, tree, join(WORK, 'deb'), version);
  layOutTarball(REPOSITORY, tree, join(WORK, 'tarball'));
  rmSync(tree, { recursive: true, force: true });
  // Repacked without compression: quick, and no other byte than the version differs.
  const unpacked = join(WORK, 'later');
  execFileSync('dpkg-deb', ['--raw-extract', file, unpacked]);
  execFileSync('sed', ['-i', `s/^Version: .*/Version: ${version}+later/`, join(unpacked, 'DEBIAN/control')]);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', unpacked, join(WORK, 'later.deb')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(unpacked, { recursive: true, force: true });
  return packages;
}
