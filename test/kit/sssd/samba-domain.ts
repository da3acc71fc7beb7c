// A domain controller of Active Directory's kind in a sandbox: Debian's Samba, provisioned there, with nothing but LDAP on
// loopback. Specifications: samba-tool(8), smb.conf(5).

import { APP } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { bash } from './packages.ts';
import type { Directory } from './sandbox-sssd.ts';

const BASE = 'DC=ad,DC=example,DC=org';
const PASSWORD = 'Secret-of-the-tests-1';
const BIND = `CN=Administrator,CN=Users,${BASE}`;
const LDAP = `-x -H ldap://127.0.0.1 -D '${BIND}' -w '${PASSWORD}'`;
const MODIFY = `${APP}/build/ldap-utils/usr/bin/ldapmodify ${LDAP}`;

/** The first module of /var/lib/samba's own: no file system of a sandbox keeps the attributes that its shares want. */
const PROVISION = `mkdir -p /var/lib/samba /var/cache/samba /run/samba /var/log/samba /etc/samba
mount -t tmpfs none /var/lib/samba
mkdir -p /var/lib/samba/private /var/lib/samba/sysvol
rm -f /etc/samba/smb.conf
samba-tool domain provision --realm=AD.EXAMPLE.ORG --domain=ADTEST --server-role=dc --dns-backend=NONE \\
  --adminpass='${PASSWORD}' --host-ip=127.0.0.1 --host-name=dc1 --option='posix:eadb=/var/lib/samba/eadb.tdb'
sed -i '/server services/d; s/^\\[global\\]/[global]\\n\\tserver services = ldap\\n\\tldap server require strong auth = no\\n\\tbind interfaces only = yes\\n\\tinterfaces = lo/' /etc/samba/smb.conf
samba -D -M single
for look in $(seq 100); do ${APP}/build/ldap-utils/usr/bin/ldapsearch ${LDAP} -b '' -s base >/dev/null 2>&1 && exit 0; sleep 0.2; done
cat /var/log/samba/log.samba; exit 1`;

/** One account, the sandbox's own by name and uid. */
export class SambaDomain implements Directory {
  readonly isSamba = true;
  readonly domain = `ldap_schema = ad
ldap_id_mapping = false
ldap_referrals = false
ldap_uri = ldap://127.0.0.1
ldap_search_base = ${BASE}
ldap_default_bind_dn = ${BIND}
ldap_default_authtok = ${PASSWORD}
entry_cache_timeout = 1`;
  /** As the domain has given it. */
  sid = '';

  async start(sandbox: Sandbox): Promise<void> {
    const { user, uid } = sandbox;
    await bash(sandbox, PROVISION);
    const said = await bash(
      sandbox,
      `samba-tool user create ${user} '${PASSWORD}' --uid-number=${uid} --gid-number=${uid} --unix-home=/run/sandbox/home/${user} --login-shell=/bin/bash >&2
samba-tool user show ${user} --attributes=objectSid`,
    );
    this.sid = /S-1-5-21-[\d-]+/.exec(said)?.[0] ?? '';
  }

  /** In the place of what was there. */
  async setIdentities(sandbox: Sandbox, values: readonly string[]): Promise<void> {
    const lines = values.map((value) => `altSecurityIdentities: ${value}\n`).join('');
    const ldif = `dn: CN=${sandbox.user},CN=Users,${BASE}\nchangetype: modify\nreplace: altSecurityIdentities\n${lines}`;
    await bash(sandbox, `${MODIFY} <<'END'\n${ldif}END\nsleep 2`);
  }
}
