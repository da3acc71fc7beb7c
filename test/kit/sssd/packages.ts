// Debian's SSSD, and Samba for a directory of Active Directory's kind, laid over a sandbox's own /usr.

import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { unpack, type Tree } from '../unpack.ts';

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
