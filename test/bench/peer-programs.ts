// scauth and its peers as PAM services of a sandbox: pam_p11 and pam_pkcs11 are Debian's packages, unpacked and not
// installed, both through OpenSC's module; each has the card of the same person.
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { APP } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu';
const OPENSC = `${LIBRARY}/opensc-pkcs11.so`;
const PAM_P11 = `${APP}/build/libpam-p11/lib/x86_64-linux-gnu/security/pam_p11.so`;
const PAM_PKCS11 = `${APP}/build/libpam-pkcs11/lib/x86_64-linux-gnu`;

/** What pam_p11 finds its libp11 by; part of every program's environment, so that none has a start of its own for it. */
export const LIBRARIES = { LD_LIBRARY_PATH: `${APP}/build/libp11-3${LIBRARY}` } as const;

export type PeerService = 'bench-scauth' | 'bench-pam_p11' | 'bench-pam_pkcs11';
const MODULES: Readonly<Record<PeerService, string>> = {
  'bench-scauth': 'pam_scauth.so',
  'bench-pam_p11': `${PAM_P11} ${OPENSC}`,
  'bench-pam_pkcs11': `${PAM_PKCS11}/security/pam_pkcs11.so config_file=/etc/pam_pkcs11/pam_pkcs11.conf`,
};

function pamPkcs11Conf(user: string): string {
  return `pam_pkcs11 {
  use_pkcs11_module = opensc;
  pkcs11_module opensc {
    module = ${OPENSC}; description = "OpenSC"; slot_num = 0; support_threads = false;
    ca_dir = /etc/pam_pkcs11; crl_dir = /etc/pam_pkcs11; cert_policy = signature; token_type = "Smart card";
  }
  use_mappers = null;
  mapper_search_path = ${PAM_PKCS11}/pam_pkcs11;
  mapper null { debug = false; module = internal; default_match = true; default_user = ${user}; }
}
`;
}

/**
 * Makes their services: by the card or not at all, and, as NAME-or, in front of pam_permit. Pairs the card that is in, in
 * scauth's way and in pam_p11's.
 */
export async function preparePeers(sandbox: Sandbox): Promise<void> {
  const { user } = sandbox;
  for (const [name, module] of Object.entries(MODULES)) {
    const account = 'account required pam_permit.so\n';
    writeFileSync(sandbox.path(`/etc/pam.d/${name}`), `auth required ${module}\n${account}`);
    writeFileSync(
      sandbox.path(`/etc/pam.d/${name}-or`),
      `auth sufficient ${module}\nauth required pam_permit.so\n${account}`,
    );
  }
  writeFileSync(
    sandbox.path('/etc/pam.d/bench-permit'),
    'auth required pam_permit.so\naccount required pam_permit.so\n',
  );
  mkdirSync(sandbox.path('/etc/pam_pkcs11'));
  writeFileSync(sandbox.path('/etc/pam_pkcs11/pam_pkcs11.conf'), pamPkcs11Conf(user));
  const script = `hash=$(sc_auth identities --json | jq -r '.unpaired[0].hash'); sc_auth pair -u ${user} -h "$hash"
mkdir -p /home/${user}/.eid
sc_auth export-smartcard --format pem | openssl x509 >/home/${user}/.eid/authorized_certificates`;
  const { code, stderr } = await sandbox.exec(['bash', '-euc', script]);
  if (code !== 0) throw new Error(stderr);
}

/** How long nothing may happen at the card before it counts as idle: a program may still tidy up. */
export const QUIET_MS = 60;

/** Waits until nobody uses the card; who has used it may have left it verified. */
export async function untilIdle({ card }: Sandbox): Promise<void> {
  for (let before = -1; ;) {
    const { apdus, delayMs } = await card.state();
    if (apdus === before) return;
    before = apdus;
    await pause(QUIET_MS + delayMs);
  }
}
