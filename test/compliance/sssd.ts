// SSSD's card login in a sandbox: Debian's packages, unpacked and laid over the sandbox's own /usr, with local accounts
// (the provider `files`, which Debian 12's SSSD has) and a rule that gives the certificate to the person.
// Specification: sssd.conf(5), sss-certmap(5).
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { bash } from '../kit/sssd/packages.ts';

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

/** Ends the one that runs, by its id. */
const STOP = `if [ -s /run/sssd.pid ]; then kill "$(cat /run/sssd.pid)"; while [ -e /run/sssd.pid ]; do sleep 0.1; done; fi`;

/** And starts one with the rules that there are now. */
const RESTART = `${STOP}
chmod 600 /etc/sssd/sssd.conf
rm -f /var/lib/sss/db/* /var/lib/sss/pipes/pam
/usr/sbin/sssd --daemon >/run/sandbox/sssd.log 2>&1
for look in $(seq 100); do [ -S /var/lib/sss/pipes/pam ] && break; sleep 0.1; done
sleep 1
[ -S /var/lib/sss/pipes/pam ]`;

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
  await bash(sandbox, RESTART);
}

/** Its rules say who has which certificate. Whether it starts without them is its own matter. */
export async function damageSssd(sandbox: Sandbox): Promise<void> {
  await bash(sandbox, STOP);
  writeFileSync(sandbox.path('/etc/sssd/sssd.conf'), '[sssd\n\u0001\n', { mode: 0o600 });
  await bash(sandbox, '/usr/sbin/sssd --daemon >/run/sandbox/sssd.log 2>&1 || true');
}
