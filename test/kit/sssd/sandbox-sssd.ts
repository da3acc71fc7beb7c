// The real SSSD in a sandbox, with its InfoPipe on a bus as the system's and a directory behind it: slapd, whose people have
// what Active Directory's have, or Samba (samba-domain.ts). Specifications: sssd-ldap(5), sssd-ifp(5), sss-certmap(5).

import { mkdirSync, writeFileSync } from 'node:fs';
import { APP, pamModuleFolder } from '../sandbox/namespace.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { bash, prepareSssd } from './packages.ts';

const SUFFIX = 'dc=example,dc=org';
const SLAPD = `${APP}/build/slapd`;
const PORT = 3890;

/** Attributes of Active Directory and, the last one, of FreeIPA (its 73certmap.ldif), by their own OIDs. */
const SCHEMA = `attributetype ( 1.2.840.113556.1.4.867 NAME 'altSecurityIdentities' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.8.22.1.4 NAME 'ipaCertMapData' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 2.25.1 NAME 'testPerson' SUP top AUXILIARY MAY ( altSecurityIdentities $ objectSid $ userPrincipalName $ ipaCertMapData ) )`;

const SLAPD_CONF = `${['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include ${SLAPD}/etc/ldap/schema/${name}.schema`).join('\n')}
${SCHEMA}
modulepath ${SLAPD}/usr/lib/ldap
moduleload back_mdb
pidfile /run/slapd/pid
database mdb
suffix "${SUFFIX}"
directory /run/slapd/db
access to * by * read
index objectClass,uid,uidNumber,altSecurityIdentities eq
`;

/** What the system's bus has of its own, and SSSD's policy as its package brings it. */
const BUS_CONF = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type><fork/><pidfile>/run/dbus/pid</pidfile>
  <listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <includedir>/usr/share/dbus-1/system.d</includedir>
</busconfig>`;

/** Of a directory that SSSD asks. */
export interface Directory {
  /** Lines of sssd.conf(5) that say where it is, and how it is read. */
  readonly domain: string;
  /** The attribute by which people are tied to certificates, where it is not altSecurityIdentities. */
  readonly identities?: string;
  readonly isSamba: boolean;
  start(sandbox: Sandbox): Promise<void>;
}

const SSSD_CONF = ({ domain, identities }: Directory, rule: string): string => `[sssd]
services = nss, pam, ifp
domains = example
[ifp]
user_attributes = +objectSIDString, +altSecurityIdentities, +userPrincipalName
[domain/example]
id_provider = ldap
auth_provider = none
access_provider = permit
ldap_id_use_start_tls = false
ldap_user_extra_attrs = altSecurityIdentities${identities === undefined ? '' : `:${identities}`}
${domain}
[certmap/example/people]
maprule = ${rule}
`;

const START = `chmod 600 /etc/sssd/sssd.conf
rm -f /var/lib/sss/db/* /var/lib/sss/pipes/pam
/usr/sbin/sssd --logger=files --daemon
ask() { dbus-send --system --print-reply --dest=org.freedesktop.sssd.infopipe "$@"; }
for look in $(seq 300); do
  ask /org/freedesktop/sssd/infopipe org.freedesktop.sssd.infopipe.Ping string:ping >/dev/null 2>&1 && exit 0
  sleep 0.2
done
cat /var/log/sssd/*.log; exit 1`;

const STOP = `kill "$(cat /run/sssd.pid)"; while [ -e /run/sssd.pid ]; do sleep 0.1; done`;

export interface DirectoryPerson {
  readonly uid: string;
  readonly uidNumber: number;
  readonly sid?: string;
  readonly altSecurityIdentities?: readonly string[];
  readonly ipaCertMapData?: readonly string[];
  readonly userPrincipalName?: string;
}

/** A SID's text as the directory has it ([MS-DTYP] 2.4.2.2). */
function sidBytes(sid: string): Buffer {
  const [, revision = 0, authority = 0, ...parts] = sid.split('-').map(Number);
  const bytes = Buffer.alloc(8 + 4 * parts.length);
  bytes.writeUInt8(revision, 0);
  bytes.writeUInt8(parts.length, 1);
  bytes.writeUIntBE(authority, 2, 6);
  for (const [at, part] of parts.entries()) bytes.writeUInt32LE(part, 8 + 4 * at);
  return bytes;
}

function ldif(person: DirectoryPerson): string {
  const { uid, uidNumber, sid, altSecurityIdentities = [], ipaCertMapData = [], userPrincipalName } = person;
  return `
dn: uid=${uid},${SUFFIX}
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: testPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
uidNumber: ${uidNumber}
gidNumber: ${uidNumber}
homeDirectory: /run/sandbox/home/${uid}
loginShell: /bin/bash
${sid === undefined ? '' : `objectSid:: ${sidBytes(sid).toString('base64')}\n`}${userPrincipalName === undefined ? '' : `userPrincipalName: ${userPrincipalName}\n`}${altSecurityIdentities.map((text) => `altSecurityIdentities: ${text}\n`).join('')}${ipaCertMapData.map((text) => `ipaCertMapData: ${text}\n`).join('')}`;
}

/** slapd, with these people. */
export function slapdOf(people: readonly DirectoryPerson[]): Directory {
  return {
    domain: `ldap_uri = ldap://127.0.0.1:${PORT}
ldap_search_base = ${SUFFIX}
ldap_user_objectsid = objectSid
ldap_user_principal = userPrincipalName`,
    isSamba: false,
    start: async (sandbox) => {
      mkdirSync(sandbox.path('/run/slapd/db'), { recursive: true });
      writeFileSync(sandbox.path('/run/slapd/slapd.conf'), SLAPD_CONF);
      const top = `dn: ${SUFFIX}\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example\n`;
      writeFileSync(sandbox.path('/run/slapd/all.ldif'), top + people.map(ldif).join(''));
      await bash(
        sandbox,
        `export LD_LIBRARY_PATH=${SLAPD}/usr/lib/x86_64-linux-gnu LDAPNOINIT=1
(exec -a slapadd ${SLAPD}/usr/sbin/slapd -f /run/slapd/slapd.conf -q -l /run/slapd/all.ldif)
${SLAPD}/usr/sbin/slapd -f /run/slapd/slapd.conf -h ldap://127.0.0.1:${PORT}`,
      );
    },
  };
}

/** @param rule by which SSSD looks for the person of a certificate (sss-certmap(5)) */
export async function startSssd(sandbox: Sandbox, directory: Directory, rule: string): Promise<void> {
  // The sandbox's own PAM modules are mounted within /usr, which the packages are laid over.
  const modules = pamModuleFolder();
  await bash(sandbox, `mkdir -p /run/kept-modules; mount --bind ${modules} /run/kept-modules`);
  await prepareSssd(sandbox, directory.isSamba);
  await bash(sandbox, `mount --bind /run/kept-modules ${modules}`);
  await directory.start(sandbox);
  for (const folder of ['/run/dbus', '/etc/sssd']) mkdirSync(sandbox.path(folder), { recursive: true });
  writeFileSync(sandbox.path('/run/dbus/system.conf'), BUS_CONF);
  configureSssd(sandbox, directory, rule);
  await bash(
    sandbox,
    `dbus-daemon --config-file=/run/dbus/system.conf
sed -i 's/^\\(passwd\\|group\\):.*/\\1: files sss/' /etc/nsswitch.conf`,
  );
  await bash(sandbox, START);
}

/** Settings that count when it is started next. */
export function configureSssd(sandbox: Sandbox, directory: Directory, rule: string): void {
  writeFileSync(sandbox.path('/etc/sssd/sssd.conf'), SSSD_CONF(directory, rule), { mode: 0o600 });
}

export async function stopSssd(sandbox: Sandbox): Promise<void> {
  await bash(sandbox, STOP);
}

/** It takes calls and gives no answer. */
export async function freezeInfoPipe(sandbox: Sandbox, frozen: boolean): Promise<void> {
  await bash(sandbox, `kill -${frozen ? 'STOP' : 'CONT'} "$(pgrep -x sssd_ifp)"`);
}

export async function restartSssd(sandbox: Sandbox): Promise<void> {
  await bash(sandbox, START);
}

/** The account is the directory's alone from now on. */
export async function forgetLocalAccount(sandbox: Sandbox): Promise<void> {
  await bash(sandbox, `sed -i '/^${sandbox.user}:/d' /etc/passwd; getent passwd ${sandbox.user} >/dev/null`);
}
