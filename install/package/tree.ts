// What the package holds and where it goes, as one table; then the tree itself, in a folder. Files of other parts of
// the project (a user unit, a logrotate file) are taken when they are there.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeCompletions } from '../man/completions.ts';
import { writeManPages } from '../man/pages.ts';
import { bundle } from './bundle.ts';
import { launchersOf, NATIVE_PACKAGES } from './entries.ts';

const MULTIARCH = 'x86_64-linux-gnu';
/** The runtime, the program and its native parts. */
export const LIB = 'usr/lib/scauth';
/** Daemons are for the administrator's path. */
const SBIN: readonly string[] = ['scauthd', 'scauth-fleet', 'scauth-pam'];

interface Shipped {
  /** Glob from the repository's root; nothing found is allowed only with `optional`. */
  readonly from: string;
  /** Folder, or (without a slash at the end) the file's whole path. */
  readonly to: string;
  readonly mode?: number;
  readonly optional?: boolean;
}

// prettier-ignore
const SHIPPED: readonly Shipped[] = [
  { from: 'install/pam/scauth-pam', to: 'usr/sbin/', mode: 0o755 },
  { from: 'install/undo', to: `${LIB}/`, mode: 0o755 },
  { from: 'build/pam_scauth.so', to: `usr/lib/${MULTIARCH}/security/` },
  { from: 'install/pam/pam-config', to: 'usr/share/pam-configs/scauth' },
  { from: 'install/pam/scauth.pam', to: 'etc/pam.d/scauth' },
  { from: 'install/pam/gdm-smartcard', to: 'etc/scauth/' },
  { from: 'install/systemd/{scauthd,scauth-fleet}.service', to: 'usr/lib/systemd/system/' },
  { from: 'install/systemd/scauth-session.{service,path}', to: 'usr/lib/systemd/user/' },
  { from: 'install/session/scauth-session.desktop', to: 'etc/xdg/autostart/' },
  { from: 'install/systemd/scauth.sysusers', to: 'usr/lib/sysusers.d/scauth.conf' },
  { from: 'install/systemd/scauth.tmpfiles', to: 'usr/lib/tmpfiles.d/scauth.conf' },
  { from: 'install/systemd/scauth-pcscd.rules', to: 'usr/share/polkit-1/rules.d/scauth-pcscd.rules' },
  { from: 'install/apparmor/{scauthd,scauth-fleet}', to: 'etc/apparmor.d/' },
  { from: 'install/logrotate{,.conf,/scauth,.d/scauth}', to: 'etc/logrotate.d/scauth', optional: true },
  { from: 'install/doc/*.{md,png}', to: 'usr/share/doc/scauth/' },
  { from: '{README,FLEET,THREATS,PROTOCOL,SECURITY}.md', to: 'usr/share/doc/scauth/' },
  { from: 'install/ldap/*', to: 'usr/share/scauth/ldap/' },
  { from: 'install/sddm/scauth/*', to: 'usr/share/sddm/themes/scauth/' },
  { from: 'install/siem/*.*', to: 'usr/share/scauth/siem/' },
  { from: 'install/siem/sigma/*.yml', to: 'usr/share/scauth/siem/sigma/' },
  { from: 'install/ansible/{site,book}.yml', to: 'usr/share/doc/scauth/ansible/' },
  ...['defaults', 'handlers', 'meta', 'tasks', 'templates'].map((folder) => ({
    from: `install/ansible/roles/scauth/${folder}/*`,
    to: `usr/share/doc/scauth/ansible/roles/scauth/${folder}/`,
  })),
  { from: 'install/authselect/make-profile', to: `${LIB}/authselect/`, mode: 0o755 },
  { from: 'agent/protocol/io.scauth.varlink', to: 'usr/share/varlink/' },
];

/** A file with folders; everything in the tree is root's and readable by all. */
export function put(root: string, path: string, bytes: string | Buffer, mode = 0o644): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  rmSync(file, { force: true });
  writeFileSync(file, bytes);
  chmodSync(file, mode);
}

function putShipped(repository: string, out: string): void {
  for (const { from, to, mode = 0o644, optional = false } of SHIPPED) {
    const found = globSync(from, { cwd: repository })
      .filter((file) => statSync(join(repository, file)).isFile())
      .sort();
    if (found.length === 0 && !optional) throw new Error(`${from} is not there. Build first: npm run build`);
    for (const file of found) {
      const place = to.endsWith('/') ? to + basename(file) : to;
      put(out, place, readFileSync(join(repository, file)), mode);
    }
  }
}

/** A launcher of install/bin with the package's paths in place of the repository's. */
export function packagedLauncher(text: string, lib = `/${LIB}`): string {
  return text
    .replace(/^# Starts the (\S+) (\S+) .*$/m, '# Starts the $1 $2 with the Node that came with it.')
    .replace(/^here=.*$/m, `here=${lib}`)
    .replaceAll('$here/node_modules/node/bin/node', '$here/node')
    .replace(/"\$here\/([\w./-]+)\.ts"/g, '"$here/app/$1.js"');
}

function putNative(repository: string, out: string): void {
  for (const [name, files] of Object.entries(NATIVE_PACKAGES)) {
    const from = join(repository, 'node_modules', name);
    if (!existsSync(from)) continue;
    for (const file of files) {
      const source = join(from, file);
      if (!existsSync(source)) continue;
      cpSync(source, join(out, LIB, 'app/node_modules', name, file), { recursive: true });
    }
  }
  // Types are for development.
  for (const file of globSync(`${LIB}/app/node_modules/**/*.d.{ts,mts,cts}`, { cwd: out }))
    rmSync(join(out, file));
}

/** Modes as a package has them, whatever the umask or the checkout was. */
function settleModes(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) settleModes(path);
    else if (entry.isFile() && path.endsWith('.node')) chmodSync(path, 0o644);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

function strip(file: string): void {
  execFileSync('strip', ['--strip-unneeded', '--remove-section=.comment', '--remove-section=.note', file]);
}

/**
 * Makes the tree.
 * @param options.runtime false leaves out Node (for tests that only look at the rest)
 * @throws Error that names what is missing
 */
export async function makeTree(
  repository: string,
  out: string,
  options: { readonly runtime?: boolean } = {},
): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await bundle(repository, join(out, LIB, 'app'));
  putNative(repository, out);
  putShipped(repository, out);
  for (const { name, text } of launchersOf(repository)) {
    put(out, `usr/${SBIN.includes(name) ? 'sbin' : 'bin'}/${name}`, packagedLauncher(text), 0o755);
  }
  put(out, 'etc/scauth/scauth.toml', await sampleSettings());
  mkdirSync(join(out, 'etc/scauth/scauth.d'));
  const pages = await writeManPages(repository);
  for (const { name, section, text } of pages) {
    put(out, `usr/share/man/man${section}/${name}.${section}.gz`, gzipSync(text, { level: 9 }));
  }
  for (const { path, text } of await writeCompletions(repository)) put(out, path, text);
  if (options.runtime !== false) {
    put(out, `${LIB}/node`, readFileSync(join(repository, 'node_modules/node/bin/node')), 0o755);
    strip(join(out, LIB, 'node'));
  }
  for (const file of globSync(['**/*.node', '**/pam_scauth.so'], { cwd: out })) strip(join(out, file));
  settleModes(out);
}

async function sampleSettings(): Promise<string> {
  const { sampleToml } = await import('../man/settings-text.ts');
  return sampleToml();
}
