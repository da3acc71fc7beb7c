// The Debian root that package tests start from: debootstrap into build/, once, with what the package depends on, so
// that a test needs no network. It is never changed afterwards: a World writes into an overlay over it.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../sandbox/namespace.ts';

/** The package's dependencies, and the programs that tests log in with. */
const INCLUDED = [
  'pcscd',
  'libpcsclite1',
  'pamtester',
  'libpam-runtime',
  'debconf',
  'sudo',
  'login',
  'passwd',
  // The getting-started page makes a key with it.
  'openssl',
  'yubico-piv-tool',
];

function suite(): string {
  const name = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (name === undefined) throw new Error('/etc/os-release names no release: this needs Debian.');
  return name;
}

/** Where this machine's own packages come from. */
function mirror(release: string): string {
  const format = ['--format', '$(SUITE) $(CODENAME) $(REPO_URI)'];
  const targets = execFileSync('apt-get', ['indextargets', ...format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  for (const line of targets.split('\n')) {
    const [suiteName, codename, uri] = line.split(' ');
    if (uri !== undefined && (codename === release || suiteName === release)) return uri;
  }
  return 'http://deb.debian.org/debian';
}

/** @returns the root's folder. @throws Error with the end of debootstrap's log */
export function debianRoot(): string {
  const release = suite();
  const key = createHash('sha256')
    .update(`${release} ${INCLUDED.join(' ')}`)
    .digest('hex')
    .slice(0, 12);
  const root = join(REPOSITORY, 'build', `package-root-${key}`);
  if (existsSync(join(root, '.complete'))) return root;
  const fresh = `${root}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const argv = ['--variant=minbase', `--include=${INCLUDED.join(',')}`, release, fresh, mirror(release)];
  const { status, stdout } = spawnSync('debootstrap', argv, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(`debootstrap failed:\n${stdout.split('\n').slice(-15).join('\n')}`);
  // What only a real machine has: a user with a password, who may use sudo, and a root with another.
  const prepare = `set -e
useradd --create-home --shell /bin/bash ada
printf 'ada:correct-horse-7\\nroot:battery-staple-9\\n' | chpasswd
printf 'ada ALL=(ALL:ALL) ALL\\n' >/etc/sudoers.d/ada
printf 'Defaults timestamp_timeout=0,lecture=never\\n' >/etc/sudoers.d/test
chmod 440 /etc/sudoers.d/*
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*`;
  execFileSync('chroot', [fresh, '/bin/sh', '-c', prepare], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  writeFileSync(join(fresh, '.complete'), '');
  rmSync(root, { recursive: true, force: true });
  renameSync(fresh, root);
  return root;
}
