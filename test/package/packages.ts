// The packages that the tests install: the one of this checkout, the same as a later version, and both without the
// 100 MiB of the Node runtime, for tests that put the package there many times and look at dpkg and PAM only. Made once
// for a run.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layOutTarball, makeConsoleDeb, makeDeb } from '../../install/package/deb.ts';
import { LIB, makeTree } from '../../install/package/tree.ts';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';

const WORK = join(REPOSITORY, 'build/package-test');

/** Set by run.ts when the packages are there already. */
export const READY = 'SCAUTH_TEST_PACKAGES';

export interface Packages {
  /** Paths as programs in a World see them. */
  readonly first: string;
  readonly later: string;
  /** As these two, but Node is the one of the repository. */
  readonly light: string;
  readonly lightLater: string;
  /** The folder that the tarball unpacks to. */
  readonly tarball: string;
  /** The page in Cockpit. */
  readonly page: string;
  /** Paths on the machine. */
  readonly file: string;
  readonly pageFile: string;
}

/** Makes the package itself. @returns the folder of what is in it */
async function makeFirst(version: string): Promise<string> {
  process.umask(0o022);
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  const tree = join(WORK, 'tree');
  await makeTree(REPOSITORY, tree);
  makeDeb(REPOSITORY, tree, join(WORK, 'deb'), version);
  await makeConsoleDeb(REPOSITORY, join(WORK, 'console'), version);
  return tree;
}

function versionNow(): string {
  return (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }).version;
}

function placeOf(version: string): string {
  return join(REPOSITORY, 'dist', `scauth_${version}_amd64.deb`);
}

/** Makes the package and nothing else, for comparison. @returns its path, where {@link makePackages} puts it too */
export async function makeAlone(): Promise<string> {
  await makeFirst(versionNow());
  return placeOf(versionNow());
}

/** Makes all of them. @throws Error when they cannot be made */
export async function makePackages(): Promise<Packages> {
  const version = versionNow();
  const inside = (path: string): string => `${APP}${path.slice(REPOSITORY.length)}`;
  const file = placeOf(version);
  const pageFile = join(REPOSITORY, 'dist', `scauth-cockpit_${version}_all.deb`);
  const packages = {
    file,
    pageFile,
    page: inside(pageFile),
    first: inside(file),
    later: inside(join(WORK, 'later.deb')),
    light: inside(join(WORK, 'light.deb')),
    lightLater: inside(join(WORK, 'light-later.deb')),
    tarball: inside(join(WORK, 'tarball')),
  };
  if (process.env[READY] !== undefined) return packages;
  const tree = await makeFirst(version);
  layOutTarball(REPOSITORY, tree, join(WORK, 'tarball'));
  rmSync(tree, { recursive: true, force: true });
  // Repacked without compression: quick, and no other byte than the version (and Node's) differs.
  const unpacked = join(WORK, 'unpacked');
  execFileSync('dpkg-deb', ['--raw-extract', file, unpacked]);
  const repack = (name: string, as: string): void => {
    execFileSync('sed', ['-i', `s/^Version: .*/Version: ${as}/`, join(unpacked, 'DEBIAN/control')]);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', unpacked, join(WORK, name)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  };
  repack('later.deb', `${version}+later`);
  const node = join(unpacked, LIB, 'node');
  writeFileSync(node, `#!/bin/sh\nexec ${APP}/node_modules/node/bin/node "$@"\n`);
  chmodSync(node, 0o755);
  repack('light.deb', version);
  repack('light-later.deb', `${version}+later`);
  rmSync(unpacked, { recursive: true, force: true });
  return packages;
}
