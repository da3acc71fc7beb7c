// Programs of desktops for a sandbox: Debian's packages with all that they need, unpacked into one tree that lies over the
// sandbox's /usr, and what they need in /etc. Nothing is installed, and no maintainer script runs.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';

const PACKAGES = [
  ...['plasma-workspace', 'libkscreenlocker5', 'suckless-tools', 'mate-screensaver', 'sway', 'swaylock'],
  ...['lightdm', 'lightdm-gtk-greeter', 'sddm', 'greetd', 'libpam-mount', 'libpam-mount-bin'],
  'gnome-settings-daemon',
] as const;
const TREE = join(REPOSITORY, 'build/desktops');
/** What the tree was made of. */
const MADE_OF = join(TREE, 'packages');

/** @throws Error with what apt said */
function download(folder: string): void {
  mkdirSync(join(folder, 'partial'), { recursive: true });
  const options = [
    '-o',
    'DPkg::Lock::Timeout=300',
    '-o',
    `Dir::Cache::archives=${folder}`,
    '-o',
    'APT::Sandbox::User=root',
  ];
  const argv = ['install', '-q', '-y', '--no-install-recommends', '--download-only', ...options, ...PACKAGES];
  let last = spawnSync('apt-get', argv, { encoding: 'utf8' });
  if (last.status !== 0) {
    spawnSync('apt-get', ['update', '-q']);
    last = spawnSync('apt-get', argv, { encoding: 'utf8' });
  }
  if (last.status !== 0) throw new Error(last.stdout + last.stderr);
}

/** The tree in build/, made once. */
export function desktopTree(): string {
  const wanted = PACKAGES.join('\n');
  if (existsSync(MADE_OF) && readFileSync(MADE_OF, 'utf8') === wanted) return TREE;
  const fresh = `${TREE}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const archives = join(fresh, 'archives');
  download(archives);
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb')))
    execFileSync('dpkg', ['-x', join(archives, file), fresh]);
  rmSync(archives, { recursive: true });
  // As on a machine with one /usr.
  for (const name of ['bin', 'lib', 'sbin']) {
    if (!existsSync(join(fresh, name))) continue;
    cpSync(join(fresh, name), join(fresh, 'usr', name), { recursive: true, verbatimSymlinks: true });
    rmSync(join(fresh, name), { recursive: true });
  }
  writeFileSync(join(fresh, 'packages'), wanted);
  rmSync(TREE, { recursive: true, force: true });
  renameSync(fresh, TREE);
  return TREE;
}

/** From here on the sandbox's /usr has them. */
export async function putDesktops(sandbox: Sandbox): Promise<void> {
  desktopTree();
  const script = `set -e
folder=$(dirname "$(ls /usr/lib/*/security/pam_unix.so)")
mkdir -p /run/sandbox/overlay/usr/upper /run/sandbox/overlay/usr/work
mount -t overlay -o "lowerdir=$1/build/desktops/usr:/usr,upperdir=/run/sandbox/overlay/usr/upper,workdir=/run/sandbox/overlay/usr/work" sandbox /usr
install -m 0644 "$1/build/pam_scauth.so" "$folder/pam_scauth.so"
# As the triggers of the packages do.
"$(ls /usr/lib/*/glib-2.0/glib-compile-schemas)" /usr/share/glib-2.0/schemas 2>/dev/null
for name in lightdm security; do mkdir -p "/etc/$name"; cp -R "$1/build/desktops/etc/$name/." "/etc/$name/"; done
# Whoever packages it leaves that to the administrator: it keeps the kernel from ending it when memory runs out.
chmod u+s /usr/bin/slock`;
  const { code, stderr } = await sandbox.exec(['sh', '-c', script, 'sh', APP]);
  if (code !== 0) throw new Error(stderr);
}
