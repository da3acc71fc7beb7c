// Debian's own PAM files in a sandbox, and our profile put into them by the real scauth-pam and pam-auth-update. Packages are
// unpacked into build/ (install/packages.json), never installed; what dpkg and debconf remember is a copy.

import { cpSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { APP, REPOSITORY } from '../sandbox/namespace.ts';
import type { ExecResult, Sandbox } from '../sandbox/sandbox.ts';

const PRIVATE = '/run/sandbox/private';
const COMMON = ['common-auth', 'common-account', 'common-password', 'common-session'];

async function must(sandbox: Sandbox, ...argv: readonly string[]): Promise<ExecResult> {
  const result = await sandbox.exec(argv, { timeoutMs: 120_000 });
  if (result.code !== 0)
    throw new Error(`${argv.join(' ')}: ${result.code}\n${result.stdout}${result.stderr}`);
  return result;
}

/** `scauth-pam enable` and its like, without questions. */
export function scauthPam(sandbox: Sandbox, ...args: readonly string[]): Promise<ExecResult> {
  return must(sandbox, 'sh', `${APP}/install/pam/scauth-pam`, ...args, '--yes');
}

/** PAM files and modules of these packages, as they ship them. @param packages folders of build/ */
export async function putDebianFiles(sandbox: Sandbox, packages: readonly string[]): Promise<void> {
  const place = sandbox.path(PRIVATE);
  mkdirSync(`${place}/lib`, { recursive: true });
  cpSync('/var/lib/pam', `${place}/lib/pam`, { recursive: true });
  // pam-auth-update asks debconf, by these.
  const templates = 'dpkg/info/libpam-runtime.templates';
  cpSync(`/var/lib/${templates}`, `${place}/lib/${templates}`);
  mkdirSync(`${place}/lib/dpkg/alternatives`, { recursive: true });
  cpSync('/usr/share/pam-configs', `${place}/configs`, { recursive: true });
  cpSync(join(REPOSITORY, 'install/pam/pam-config'), `${place}/configs/scauth`);
  const copy = (file: string, to: string): void => {
    rmSync(sandbox.path(`${to}/${basename(file)}`), { force: true });
    cpSync(file, sandbox.path(`${to}/${basename(file)}`));
  };
  for (const name of COMMON) copy(`/etc/pam.d/${name}`, '/etc/pam.d');
  copy(join(REPOSITORY, 'install/pam/gdm-smartcard'), '/etc/scauth');
  const modules = (await must(sandbox, 'sh', '-c', 'dirname "$(ls /usr/lib/*/security/pam_unix.so)"')).stdout;
  for (const name of packages) {
    const found = (pattern: string): string[] => globSync(join(REPOSITORY, 'build', name, pattern));
    const files = found('etc/pam.d/*');
    const objects = found('**/security/pam_*.so');
    if (files.length + objects.length === 0) throw new Error(`build/${name} has no PAM files`);
    for (const file of files) copy(file, '/etc/pam.d');
    for (const file of objects) copy(file, modules.trim());
    for (const file of found('usr/share/pam-configs/*')) cpSync(file, `${place}/configs/${basename(file)}`);
  }
  await must(sandbox, 'mount', '--bind', `${PRIVATE}/lib`, '/var/lib');
  await must(sandbox, 'mount', '--bind', `${PRIVATE}/configs`, '/usr/share/pam-configs');
}

/** As gdm3's postinst registers its files for cards. */
export async function registerGdm(sandbox: Sandbox): Promise<void> {
  for (const [file, priority] of [
    ['sssd-exclusive', '50'],
    ['sssd-or-password', '40'],
    ['pkcs11-exclusive', '30'],
  ] as const) {
    const path = `/etc/pam.d/gdm-smartcard-${file}`;
    await must(
      sandbox,
      ...['update-alternatives', '--install', '/etc/pam.d/gdm-smartcard', 'gdm-smartcard', path, priority],
    );
  }
}
