// Debian's SSSD, unpacked. Not installed: that would put it into the machine's own PAM files.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { APP, REPOSITORY } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

const TREE = join(REPOSITORY, 'build/sssd');
const WANTED = ['sssd-common', 'libpam-sss', 'libnss-sss', 'sssd-ldap', 'sssd-dbus'];

/** With what they need and this machine has not. */
function unpack(): void {
  if (existsSync(join(TREE, 'usr/share/dbus-1/system-services/org.freedesktop.sssd.infopipe.service')))
    return;
  const plan = execFileSync('apt-get', ['--simulate', '--no-install-recommends', 'install', ...WANTED], {
    encoding: 'utf8',
  });
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
  mkdirSync(join(REPOSITORY, 'build'), { recursive: true });
  const folder = mkdtempSync(`${TREE}-`);
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
  rmSync(TREE, { recursive: true, force: true });
  renameSync(folder, TREE);
}

const PREPARE = `mount -t overlay overlay -o lowerdir=${APP}/build/sssd/usr:/usr /usr
ldconfig
mkdir -p /var/lib/sss /var/log/sssd /etc/sssd/pki /run/sssd
mount -t tmpfs none /var/lib/sss
cp -a ${APP}/build/sssd/var/lib/sss/. /var/lib/sss/`;

/** As root in the sandbox, by bash. @throws Error with what it says when it fails */
export async function bash(sandbox: Sandbox, text: string): Promise<string> {
  const { code, stdout, stderr } = await sandbox.exec(['bash', '-euc', text], {});
  if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
  return stdout;
}

/** Lays it over the sandbox's own /usr, before anything else is done with it in that sandbox. */
export async function prepareSssd(sandbox: Sandbox): Promise<void> {
  unpack();
  await bash(sandbox, PREPARE);
}
