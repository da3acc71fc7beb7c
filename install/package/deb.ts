// Makes the .deb from the tree: control files, checksums, one time for every file, so that the same sources give the
// same bytes. dpkg-deb writes the archive. Debian Policy 4.6, deb-control(5), deb-md5sums(5).

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CONSOLE, makeConsole } from './console.ts';
import { debianDepends, needsFile, needsOf } from './needs.ts';
import { RELEASED, RELEASED_SECONDS } from './release.ts';
import { LIB, put } from './tree.ts';

const SCRIPTS = ['config', 'postinst', 'prerm', 'postrm'];
/** Beside what the binaries need (needs.ts). */
const DEPENDS = ['libpam-runtime (>= 1.5)', 'pcscd', 'pamtester', 'debconf (>= 0.5) | debconf-2.0'];

/** RFC 5322, as dpkg's changelog has it. */
function changelogDate(): string {
  return RELEASED.toUTCString().replace('GMT', '+0000');
}

/** Every regular file below a folder, sorted, relative to it. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** One time for the whole tree. */
function settleTimes(folder: string): void {
  for (const name of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    const path = join(folder, name);
    if (!lstatSync(path).isSymbolicLink()) utimesSync(path, RELEASED_SECONDS, RELEASED_SECONDS);
  }
}

/** The page in Cockpit: scripts for a browser alone, which need no machine of a kind. */
function consoleControl(version: string, kilobytes: number): string {
  return `Package: scauth-cockpit
Version: ${version}
Architecture: all
Maintainer: The scauth authors <scauth@localhost.localdomain>
Installed-Size: ${kilobytes}
Depends: scauth (= ${version}), cockpit-bridge (>= 287)
Recommends: cockpit
Section: admin
Priority: optional
Description: smart card login: the administrator's page in Cockpit
 Shows in Cockpit which cards are in the readers, whose they are, what is wrong
 with them, and the accounts with their cards. It asks scauthd, which decides by
 who is logged in; no PIN is typed in the browser.
`;
}

function control(version: string, kilobytes: number, depends: readonly string[]): string {
  return `Package: scauth
Version: ${version}
Architecture: amd64
Maintainer: The scauth authors <scauth@localhost.localdomain>
Installed-Size: ${kilobytes}
Depends: ${depends.join(', ')}
Recommends: logrotate, pinentry-curses | pinentry
Suggests: apparmor, opensc-pkcs11
Section: admin
Priority: optional
Description: smart card login: pair a card once, then card and PIN log in
 scauth lets a smart card (PIV: YubiKey and others) and its PIN open sudo, the
 screen lock and the login prompt. A card is paired with an account once; no
 certificate authority, directory or mapping file is needed.
 .
 Installing it changes no PAM file: the administrator turns card logins on with
 scauth-pam, which rehearses the change before it makes it. The password goes on
 to work. The package brings the Node.js runtime that it was tested with.
`;
}

function changelogOf(debian: string, name: string, version: string): string {
  return readFileSync(join(debian, 'changelog'), 'utf8')
    .replace('scauth (', `${name} (`)
    .replace('$VERSION$', version)
    .replace('$DATE$', changelogDate());
}

/** What dpkg and lintian read beside the tree. */
export function putDebianFiles(repository: string, tree: string, version: string): void {
  const debian = join(repository, 'install/package/debian');
  const doc = 'usr/share/doc/scauth';
  put(tree, `${doc}/changelog.gz`, gzipSync(changelogOf(debian, 'scauth', version), { level: 9 }));
  const ours = readFileSync(join(repository, 'CHANGELOG.md'));
  put(tree, `${doc}/CHANGELOG.md.gz`, gzipSync(ours, { level: 9 }));
  put(tree, `${doc}/copyright`, readFileSync(join(debian, 'copyright')));
  put(tree, 'usr/share/lintian/overrides/scauth', readFileSync(join(debian, 'lintian-overrides')));
  for (const name of SCRIPTS) put(tree, `DEBIAN/${name}`, readFileSync(join(debian, name)), 0o755);
  put(tree, 'DEBIAN/templates', readFileSync(join(debian, 'templates')));
  const conffiles = filesOf(tree).filter((file) => file.startsWith('etc/'));
  put(tree, 'DEBIAN/conffiles', conffiles.map((file) => `/${file}\n`).join(''));
}

/** @param files of the package @returns whole kilobytes */
function kilobytesOf(work: string, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + Math.ceil(statSync(join(work, file)).size / 1024), 0);
}

/** Checksums, one time and one mode for the folders; then dpkg-deb. @param files that no administrator changes */
function packUp(work: string, files: readonly string[], out: string): void {
  const sums = files.map(
    (file) =>
      `${createHash('md5')
        .update(readFileSync(join(work, file)))
        .digest('hex')}  ${file}\n`,
  );
  put(work, 'DEBIAN/md5sums', sums.join(''));
  for (const folder of globSync('**/', { cwd: work })) chmodSync(join(work, folder), 0o755);
  settleTimes(work);
  mkdirSync(dirname(out), { recursive: true });
  const options = ['--root-owner-group', '--threads-max=2', '-Zxz', '-z6', '--build', work, out];
  execFileSync('dpkg-deb', options, {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      SOURCE_DATE_EPOCH: String(RELEASED_SECONDS),
      LC_ALL: 'C.UTF-8',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  rmSync(work, { recursive: true, force: true });
}

/**
 * Writes `dist/scauth-cockpit_VERSION_all.deb`.
 * @param work a folder for its tree; it is removed
 * @returns the file's path
 */
export async function makeConsoleDeb(repository: string, work: string, version: string): Promise<string> {
  rmSync(work, { recursive: true, force: true });
  await makeConsole(repository, join(work, CONSOLE));
  const doc = 'usr/share/doc/scauth-cockpit';
  const debian = join(repository, 'install/package/debian');
  put(work, `${doc}/changelog.gz`, gzipSync(changelogOf(debian, 'scauth-cockpit', version), { level: 9 }));
  put(work, `${doc}/copyright`, readFileSync(join(debian, 'copyright.cockpit')));
  put(
    work,
    'usr/share/lintian/overrides/scauth-cockpit',
    readFileSync(join(debian, 'lintian-overrides.cockpit')),
  );
  const files = filesOf(work);
  put(work, 'DEBIAN/control', consoleControl(version, kilobytesOf(work, files)));
  const out = join(repository, 'dist', `scauth-cockpit_${version}_all.deb`);
  packUp(work, files, out);
  return out;
}

/**
 * Writes `dist/scauth_VERSION_amd64.deb` from a tree that makeTree made.
 * @param work a folder for the copy; it is removed
 * @returns the file's path
 */
export function makeDeb(repository: string, tree: string, work: string, version: string): string {
  rmSync(work, { recursive: true, force: true });
  cpSync(tree, work, { recursive: true });
  mkdirSync(join(work, 'DEBIAN'), { mode: 0o755 });
  putDebianFiles(repository, work, version);
  const files = filesOf(work).filter((file) => !file.startsWith('DEBIAN/'));
  const needs = [...debianDepends(needsOf(work)), ...DEPENDS];
  put(work, 'DEBIAN/control', control(version, kilobytesOf(work, files), needs));
  const out = join(repository, 'dist', `scauth_${version}_amd64.deb`);
  packUp(
    work,
    files.filter((file) => !file.startsWith('etc/')),
    out,
  );
  return out;
}

/** What the tarball holds, in `folder`: the same tree with install.sh, uninstall.sh and what they look at. */
export function layOutTarball(repository: string, tree: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  cpSync(tree, join(folder, 'tree'), { recursive: true });
  for (const script of ['install.sh', 'uninstall.sh']) {
    put(folder, script, readFileSync(join(repository, 'install/tarball', script)), 0o755);
  }
  put(folder, 'needs', needsFile(needsOf(tree)));
  put(folder, 'LICENSE', readFileSync(join(repository, 'LICENSE')));
  chmodSync(join(folder, 'tree', LIB, 'undo'), 0o755);
}

/** Writes `dist/scauth-VERSION-linux-x64.tar.xz`. */
export function makeTarball(repository: string, tree: string, work: string, version: string): string {
  const name = `scauth-${version}-linux-x64`;
  rmSync(work, { recursive: true, force: true });
  layOutTarball(repository, tree, join(work, name));
  settleTimes(work);
  const out = join(repository, 'dist', `${name}.tar.xz`);
  const options = [
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--mtime=@${RELEASED_SECONDS}`,
  ];
  execFileSync('tar', ['--create', '--xz', '--file', out, ...options, '--directory', work, name], {
    env: { PATH: '/usr/bin:/bin', XZ_OPT: '-6 -T2', LC_ALL: 'C.UTF-8' },
  });
  rmSync(work, { recursive: true, force: true });
  return out;
}
