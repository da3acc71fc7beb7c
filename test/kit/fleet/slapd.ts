// Debian's slapd for a test, unpacked: with TLS by an authority of the tests, our schema, and the overlays of the guide.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Authority } from './tls.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TREE = join(ROOT, 'build/slapd');
const TOOLS = join(ROOT, 'build/ldap-utils/usr/bin');
const LIBRARIES = join(TREE, 'usr/lib/x86_64-linux-gnu');

export const SUFFIX = 'dc=example,dc=org';
export const BOOK_DN = `cn=book,${SUFFIX}`;
export const ADMIN = `cn=admin,${SUFFIX}`;
export const ADMIN_PASSWORD = 'of-the-tests';
/** May read and nothing else. */
export const READER = `cn=reader,${SUFFIX}`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface SlapdOptions {
  /** Further lines of slapd.conf, in front of the database's. */
  readonly global?: string;
  /** Whether anybody may read. */
  readonly anonymous?: boolean;
  /** Without the overlay syncprov a server says no contextCSN. */
  readonly syncprov?: boolean;
}

export class Slapd {
  readonly folder = mkdtempSync(join(tmpdir(), 'scauth-slapd-'));
  readonly authority: Authority;
  readonly before: readonly string[] = [];
  readonly haveClass = false;
  port = 0;
  tlsPort = 0;
  readonly #syncprov: boolean;
  #child: ChildProcess | null = null;

  constructor(options: SlapdOptions = {}, authority = new Authority()) {
    this.authority = authority;
    this.#syncprov = options.syncprov !== false;
    const { cert, key } = authority.issue('localhost', ['DNS:localhost', 'IP:127.0.0.1']);
    mkdirSync(join(this.folder, 'db'));
    cpSync(join(ROOT, 'install/ldap/scauth.schema'), join(this.folder, 'scauth.schema'));
    const schema = ['core', 'cosine', 'inetorgperson', 'nis'].map(
      (name) => `include ${TREE}/etc/ldap/schema/${name}.schema\n`,
    );
    const read =
      options.anonymous === false
        ? `by dn.exact="${READER}" read by dn.regex="^cn=machine" read by * none`
        : 'by * read';
    writeFileSync(
      join(this.folder, 'slapd.conf'),
      `${schema.join('')}include ${this.folder}/scauth.schema
modulepath ${TREE}/usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile ${this.folder}/pid
TLSCACertificateFile ${authority.certificate}
TLSCertificateFile ${cert}
TLSCertificateKeyFile ${key}
TLSVerifyClient try
${options.global ?? ''}
database mdb
suffix "${SUFFIX}"
directory ${this.folder}/db
maxsize 1073741824
rootdn "${ADMIN}"
rootpw ${ADMIN_PASSWORD}
access to attrs=userPassword by anonymous auth by * none
access to * ${read}
index objectClass,scauthKeyHash,uid,entryCSN,entryUUID eq
${this.#syncprov ? 'overlay syncprov\nsyncprov-checkpoint 100 10\n' : ''}`,
    );
  }

  get url(): string {
    return `ldaps://127.0.0.1:${this.tlsPort}`;
  }

  get startTlsUrl(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  #tool(name: string, args: readonly string[], input: string): void {
    const { status, stderr } = spawnSync(
      join(TREE, 'usr/sbin/slapd'),
      ['-f', join(this.folder, 'slapd.conf'), ...args],
      {
        input,
        encoding: 'utf8',
        // slapd is slapadd by the name that it is started with.
        argv0: name,
        env: this.#environment(),
      },
    );
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  }

  #environment(): NodeJS.ProcessEnv {
    return { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LD_LIBRARY_PATH: LIBRARIES, LDAPNOINIT: '1' };
  }

  /** Before it is started; in the order of the tree. */
  load(ldif: string): void {
    this.#tool('slapadd', ['-q', ...(this.#syncprov ? ['-w'] : [])], ldif);
  }

  async start(): Promise<void> {
    if (this.port === 0) [this.port, this.tlsPort] = [await freePort(), await freePort()];
    const urls = `ldap://127.0.0.1:${this.port} ldaps://127.0.0.1:${this.tlsPort}`;
    const argv = ['-f', join(this.folder, 'slapd.conf'), '-h', urls, '-d', '0'];
    this.#child = spawn(join(TREE, 'usr/sbin/slapd'), argv, { stdio: 'ignore', env: this.#environment() });
    for (let tries = 0; !(await answers(this.tlsPort)); tries += 1) {
      if (tries > 600) throw new Error('slapd does not start');
      await pause(50);
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    this.#child = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** ldapmodify(1) as the administrator. @returns what it says; @throws Error unless it ends with one of `codes` */
  modify(ldif: string, codes: readonly number[] = [0], ...args: readonly string[]): string {
    const argv = ['-x', '-H', this.startTlsUrl, '-ZZ', '-D', ADMIN, '-w', ADMIN_PASSWORD, ...args];
    const env = { PATH: '/usr/bin:/bin', LDAPCONF: '/dev/null', LDAPTLS_CACERT: this.authority.certificate };
    const { status, stdout, stderr } = spawnSync(join(TOOLS, 'ldapmodify'), argv, {
      input: ldif,
      encoding: 'utf8',
      env,
    });
    if (!codes.includes(status ?? -1)) throw new Error(`ldapmodify: ${status ?? ''} ${stdout}${stderr}`);
    return stdout + stderr;
  }
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** The top of the tree, the people's branch and the book's entry. */
export function baseLdif(lines: {
  readonly heads: readonly string[];
  readonly officers?: readonly string[];
}): string {
  const values = (attribute: string, all: readonly string[] = []): string =>
    all.map((line) => `${attribute}: ${line}\n`).join('');
  return `dn: ${SUFFIX}
objectClass: organization
objectClass: dcObject
o: Example
dc: example

dn: ou=people,${SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ${READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reads

dn: ${BOOK_DN}
objectClass: scauthBook
cn: book
${values('scauthBookHead', lines.heads)}${values('scauthBookOfficer', lines.officers)}`;
}

export function personLdif(uid: string, key: string, ...lines: readonly string[]): string {
  return `
dn: uid=${uid},ou=people,${SUFFIX}
objectClass: inetOrgPerson
objectClass: scauthPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
scauthKeyHash: ${key}
${lines.map((line) => `scauthRecord: ${line}\n`).join('')}`;
}

/** Whether the trees are there; `node install/bootstrap.mjs test/run.ts` unpacks them. */
export function slapdVersion(): string {
  const { stderr } = spawnSync(join(TREE, 'usr/sbin/slapd'), ['-VV'], {
    encoding: 'utf8',
    env: { LD_LIBRARY_PATH: LIBRARIES },
  });
  return /slapd ([\d.]+)/.exec(stderr)?.[1] ?? execFileSync('false').toString();
}

/** Adds entries to a fresh cn=config, as slapd keeps it since 2.3. @throws Error with what slapd says */
export function addToConfig(ldif: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'scauth-config-'));
  const plain = join(folder, 'slapd.conf');
  writeFileSync(plain, `include ${TREE}/etc/ldap/schema/core.schema\ndatabase config\n`);
  mkdirSync(join(folder, 'd'));
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LD_LIBRARY_PATH: LIBRARIES };
  for (const [argv0, args, input] of [
    ['slaptest', ['-f', plain, '-F', join(folder, 'd')], ''],
    // slapd's comments begin in the first column only at the top of an entry.
    ['slapadd', ['-F', join(folder, 'd'), '-n', '0'], ldif.replace(/^#.*\n/gm, '')],
  ] as const) {
    const { status, stderr } = spawnSync(join(TREE, 'usr/sbin/slapd'), args, {
      argv0,
      input,
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${argv0}: ${stderr}`);
  }
  rmSync(folder, { recursive: true });
}
