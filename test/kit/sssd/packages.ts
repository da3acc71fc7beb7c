// Debian's SSSD, and Samba for a directory of Active Directory's kind, unpacked. Not installed: that would put them into the
// machine's own PAM files, and start servers.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APP, REPOSITORY } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

interface Tree {
  /** Below build/. */
  readonly name: string;
  readonly wanted: readonly string[];
  /** A file of the last of them. */
  readonly proof: string;
}

const SSSD: Tree = {
  name: 'sssd',
  wanted: ['sssd-common', 'libpam-sss', 'libnss-sss', 'sssd-ldap', 'sssd-dbus'],
  proof: 'usr/share/dbus-1/system-services/org.freedesktop.sssd.infopipe.service',
};
const SAMBA: Tree = {
  name: 'samba',
  wanted: ['samba', 'samba-dsdb-modules', 'samba-ad-provision', 'samba-ad-dc'],
  proof: 'usr/sbin/samba',
};

/** With what they need and this machine has not. */
function unpack({ name: tree, wanted, proof }: Tree): void {
  const target = join(REPOSITORY, 'build', tree);
  if (existsSync(join(target, proof))) return;
  const plan = execFileSync('apt-get', ['--simulate', '--no-install-recommends', 'install', ...wanted], {
    encoding: 'utf8',
  });
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
  mkdirSync(join(REPOSITORY, 'build'), { recursive: true });
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
}

const PREPARE = (trees: readonly Tree[]): string => `mount -t overlay overlay -o lowerdir=${[
  ...trees.map(({ name }) => `${APP}/build/${name}/usr`),
  '/usr',
].join(':')} /usr
ldconfig
mkdir -p /var/lib/sss /var/log/sssd /etc/sssd/pki /run/sssd
mount -t tmpfs none /var/lib/sss
cp -a ${APP}/build/sssd/var/lib/sss/. /var/lib/sss/`;

/** Samba makes its database in a minute on a machine that is busy. */
const PATIENCE_MS = 170_000;

/** As root in the sandbox, by bash. @throws Error with what it says when it fails */
export async function bash(sandbox: Sandbox, text: string): Promise<string> {
  const { code, stdout, stderr } = await sandbox.exec(['bash', '-euc', text], { timeoutMs: PATIENCE_MS });
  if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
  return stdout;
}

/** Lays it over the sandbox's own /usr, before anything else is done with it in that sandbox. */
export async function prepareSssd(sandbox: Sandbox, withSamba = false): Promise<void> {
  const trees = withSamba ? [SSSD, SAMBA] : [SSSD];
  trees.forEach(unpack);
  await bash(sandbox, PREPARE(trees));
}
