// SSSD's card login in a sandbox: Debian's packages, unpacked and laid over the sandbox's own /usr, with local accounts
// (the provider `files`, which Debian 12's SSSD has) and a rule that gives the certificate to the person.
// Specification: sssd.conf(5), sss-certmap(5).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP, REPOSITORY } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';

const TREE = join(REPOSITORY, 'build/sssd');
const WANTED = ['sssd-common', 'libpam-sss', 'libnss-sss'];

/** With what it needs and this machine has not. Not installed: that would put it into the machine's own PAM files. */
function unpack(): void {
  if (existsSync(TREE)) return;
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
  renameSync(folder, TREE);
}

const CONFIG = (services: readonly string[], rule: string): string => `[sssd]
services = nss, pam
domains = implicit_files
enable_files_domain = true
certificate_verification = no_ocsp
[pam]
pam_cert_auth = True
pam_p11_allowed_services = ${services.map((name) => `+${name}`).join(', ')}
p11_child_timeout = 20
[domain/implicit_files]
id_provider = files
${rule}`;

const PREPARE = `mount -t overlay overlay -o lowerdir=${APP}/build/sssd/usr:/usr /usr
ldconfig
mkdir -p /var/lib/sss /var/log/sssd /etc/sssd/pki /run/sssd
mount -t tmpfs none /var/lib/sss
cp -a ${APP}/build/sssd/var/lib/sss/. /var/lib/sss/`;

/** Ends the one that runs, by its id, and starts one with the rules that there are now. */
const RESTART = `if [ -s /run/sssd.pid ]; then kill "$(cat /run/sssd.pid)"; while [ -e /run/sssd.pid ]; do sleep 0.1; done; fi
chmod 600 /etc/sssd/sssd.conf
rm -f /var/lib/sss/db/* /var/lib/sss/pipes/pam
/usr/sbin/sssd --daemon >/run/sandbox/sssd.log 2>&1
for look in $(seq 100); do [ -S /var/lib/sss/pipes/pam ] && break; sleep 0.1; done
sleep 1
[ -S /var/lib/sss/pipes/pam ]`;

async function run(sandbox: Sandbox, text: string): Promise<void> {
  const { code, stdout, stderr } = await sandbox.exec(['bash', '-euc', text], {});
  if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
}

/** Before anything else is done with it in that sandbox. */
export async function prepareSssd(sandbox: Sandbox): Promise<void> {
  unpack();
  await run(sandbox, PREPARE);
}

/** @param subject of the certificate that the sandbox's user may log in by; null: none */
export async function giveCertificate(
  sandbox: Sandbox,
  services: readonly string[],
  subject: string | null,
): Promise<void> {
  const rule =
    subject === null
      ? ''
      : `[certmap/implicit_files/${sandbox.user}]\nmatchrule = <SUBJECT>^CN=${subject}$\n`;
  mkdirSync(sandbox.path('/etc/sssd'), { recursive: true });
  writeFileSync(sandbox.path('/etc/sssd/sssd.conf'), CONFIG(services, rule), { mode: 0o600 });
  await run(sandbox, RESTART);
}
