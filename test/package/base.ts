// The Debian roots that package tests start from: debootstrap and apt into build/, once a release, with what the package
// depends on, so that a test needs no network. A root is never changed afterwards: a World writes into an overlay over it.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../kit/sandbox/namespace.ts';

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

/** What is more in each root. Debian 12's has no systemd: machines without it are tested there. */
const MORE = {
  bookworm: [],
  // Its pcscd asks polkit, by the system's bus; systemd starts them as on a machine. lintian is the release's own.
  trixie: [
    ...[
      'opensc-pkcs11',
      'polkitd',
      'pkexec',
      'dbus-user-session',
      'systemd-sysv',
      'libpam-systemd',
      'lintian',
    ],
    ...['ansible-core', 'python3-apt'],
  ],
} as const;

export type Release = keyof typeof MORE;

/** Where this machine's own packages come from. */
function mirror(): string {
  const own = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const format = ['--format', '$(SUITE) $(CODENAME) $(REPO_URI)'];
  const targets = execFileSync('apt-get', ['indextargets', ...format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  for (const line of targets.split('\n')) {
    const [suiteName, codename, uri] = line.split(' ');
    if (uri !== undefined && (codename === own || suiteName === own)) return uri;
  }
  return 'http://deb.debian.org/debian';
}

/** In namespaces of its own, so that nothing that a package starts outlives it. $1: the root; $2: the packages */
const INSTALL = `set -e
mount -t proc proc "$1/proc"
printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
chmod 755 "$1/usr/sbin/policy-rc.d"
if [ -e /etc/resolv.conf ]; then cp /etc/resolv.conf "$1/etc/resolv.conf"; fi
in_root() { chroot "$1" env DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "\${@:2}"; }
in_root "$1" apt-get update -q
in_root "$1" apt-get install -q -y --no-install-recommends $2
rm "$1/usr/sbin/policy-rc.d"`;

/** What only a real machine has: a user with a password, who may use sudo, and a root with another. */
const PREPARE = `set -e
useradd --create-home --shell /bin/bash ada
printf 'ada:correct-horse-7\\nroot:battery-staple-9\\n' | chpasswd
printf 'ada ALL=(ALL:ALL) ALL\\n' >/etc/sudoers.d/ada
printf 'Defaults timestamp_timeout=0,lecture=never\\n' >/etc/sudoers.d/test
chmod 440 /etc/sudoers.d/*
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*`;

/** @throws Error with the end of what was said */
function run(argv: readonly [string, ...string[]], purpose: string): void {
  const [program, ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status === 0) return;
  const end = `${stdout}\n${stderr}`.split('\n').slice(-15).join('\n');
  throw new Error(`${purpose} failed:\n${end}`);
}

/** @returns the root's folder. @throws Error with what debootstrap or apt said */
export function debianRoot(release: Release): string {
  const packages = [...INCLUDED, ...MORE[release]].join(' ');
  const key = createHash('sha256').update(`${release} ${packages} ${INSTALL}`).digest('hex').slice(0, 12);
  const root = join(REPOSITORY, 'build', `package-root-${release}-${key}`);
  if (existsSync(join(root, '.complete'))) return root;
  const fresh = `${root}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  // debootstrap knows no virtual packages, so the rest is apt's.
  run(['debootstrap', '--variant=minbase', release, fresh, mirror()], 'debootstrap');
  // prettier-ignore
  const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  run(['unshare', ...namespaces, 'bash', '-c', INSTALL, 'bash', fresh, packages], 'apt');
  execFileSync('chroot', [fresh, '/bin/sh', '-c', PREPARE], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  writeFileSync(join(fresh, '.complete'), '');
  rmSync(root, { recursive: true, force: true });
  renameSync(fresh, root);
  return root;
}
