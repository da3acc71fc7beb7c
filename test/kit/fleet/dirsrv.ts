// Debian's 389 Directory Server for a test, unpacked, in mounts and a network of its own: made there by its own dscreate, with
// TLS by an authority of the tests, and set up by the guide's own words. Specifications: dscreate(8), dsconf(8), dsctl(8).

import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpack } from '../unpack.ts';
import { block } from './guide.ts';
import { ADMIN, ADMIN_PASSWORD, READER, SUFFIX } from './slapd.ts';
import { Authority } from './tls.ts';

const ROOT = join(import.meta.dirname, '../../..');
const LDAP_FOLDER = join(ROOT, 'install/ldap');
const INSTANCE = 'test';
/** Its commands are Python, a second each; making an instance starts it twice. */
const PATIENCE_MS = 170_000;

const SETTINGS = `[general]
full_machine_name = localhost
strict_host_checking = False
selinux = False
systemd = False
[slapd]
instance_name = ${INSTANCE}
root_dn = ${ADMIN}
root_password = ${ADMIN_PASSWORD}
self_sign_cert = False
[backend-userroot]
suffix = ${SUFFIX}
sample_entries = no
`;

/** With an account for the server, as the package's scripts make it; without systemd, which dscreate asks defaults.inf about. */
const MOUNTS = (tree: string, own: string): string => `mount -t tmpfs none ${own}
for folder in etc var; do
  mkdir ${own}/$folder.new ${own}/$folder.work
  mount -t overlay overlay -o lowerdir=${tree}/$folder:/$folder,upperdir=${own}/$folder.new,workdir=${own}/$folder.work /$folder
done
mkdir ${own}/usr.new ${own}/usr.work
mount -t overlay overlay -o lowerdir=${tree}/usr:/usr,upperdir=${own}/usr.new,workdir=${own}/usr.work /usr
mount -t tmpfs none /run
mkdir -p /run/lock /run/dirsrv /usr/share/scauth
ln -s ${LDAP_FOLDER} /usr/share/scauth/ldap
sed -i 's/^with_systemd = 1/with_systemd = 0/' /usr/share/dirsrv/inf/defaults.inf
ldconfig
echo 'dirsrv:x:997:997::/var/lib/dirsrv:/usr/sbin/nologin' >>/etc/passwd
echo 'dirsrv:x:997:' >>/etc/group
ip link set lo up
echo mounted
# What loses its parent is bash's to wait for.
sleep infinity &
wait`;

const MAKE = (settings: string, { ca, cert, key }: Readonly<Record<'ca' | 'cert' | 'key', string>>): string =>
  `dscreate from-file ${settings}
dsctl ${INSTANCE} tls import-ca ${ca} Tests
dsctl ${INSTANCE} tls import-server-key-cert ${cert} ${key}
dsconf ${INSTANCE} config replace nsslapd-security=on
dsctl ${INSTANCE} restart`;

export class DirectoryServer389 {
  readonly folder = mkdtempSync(join(tmpdir(), 'scauth-389-'));
  readonly url = 'ldaps://127.0.0.1';
  readonly startTlsUrl = 'ldap://127.0.0.1';
  readonly haveClass = true;
  readonly authority: Authority;
  #outer: ChildProcess | null = null;
  /** Process 1 in there. */
  #pid = 0;

  constructor(authority = new Authority()) {
    this.authority = authority;
  }

  /** Words that put a program into its network. */
  get before(): string[] {
    return ['nsenter', `--net=/proc/${this.#pid}/ns/net`];
  }

  /** By bash, as root in there. @throws Error with what it says when it fails */
  async run(text: string): Promise<string> {
    const argv = ['-t', String(this.#pid), '-m', '-n', '-p', 'bash', '-euc', text];
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C.UTF-8', INSTANCE };
    try {
      return (await promisify(execFile)('nsenter', argv, { env, timeout: PATIENCE_MS })).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${text}: ${stdout}${stderr}`, { cause: error });
    }
  }

  /** With this tree, and the guide's schema, index and access. */
  async start(ldif: string): Promise<void> {
    const own = join(this.folder, 'own');
    const tree = unpack({ name: '389-ds', wanted: ['389-ds-base'], proof: 'usr/sbin/ns-slapd' });
    // When our process dies, by whatever, unshare dies, and with it what is in there.
    const outer = spawn(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--net', '--pid', '--fork', '--mount-proc'],
        ...['--propagation=private', '--kill-child'],
        ...['bash', '-euc', `mkdir ${own}\n${MOUNTS(tree, own)}`],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#outer = outer;
    await new Promise<void>((resolve, reject) => {
      outer.stdout.once('data', () => {
        resolve();
      });
      outer.once('exit', (code) => {
        reject(new Error(`mounts for 389-ds: ${String(code)}`));
      });
    });
    const [child = ''] = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'latin1').split(' ');
    this.#pid = Number(child);
    const settings = join(this.folder, 'instance.inf');
    writeFileSync(settings, SETTINGS);
    const { cert, key } = this.authority.issue('localhost', ['DNS:localhost', 'IP:127.0.0.1']);
    await this.run(MAKE(settings, { ca: this.authority.certificate, cert, key }));
    await this.run(block('389'));
    this.modify(ldif, [0], '-a');
    await this.run(
      `BASE=${SUFFIX} URL=${this.startTlsUrl} ADMIN=${ADMIN} MACHINES=${READER}
export LDAPTLS_CACERT=${this.authority.certificate}
printf ${ADMIN_PASSWORD} >/run/password
PASSWORD_FILE=/run/password
${block('389-access')}`,
    );
  }

  /** ldapmodify(1) as the administrator. @returns what it says; @throws Error unless it ends with one of `codes` */
  modify(ldif: string, codes: readonly number[] = [0], ...args: readonly string[]): string {
    const tool = join(ROOT, 'build/ldap-utils/usr/bin/ldapmodify');
    const words = ['-x', '-H', this.startTlsUrl, '-ZZ', '-D', ADMIN, '-w', ADMIN_PASSWORD, ...args];
    const [program = '', ...argv] = [...this.before, tool, ...words];
    const env = { PATH: '/usr/bin:/bin', LDAPCONF: '/dev/null', LDAPTLS_CACERT: this.authority.certificate };
    const { status, stdout, stderr } = spawnSync(program, argv, { input: ldif, encoding: 'utf8', env });
    if (!codes.includes(status ?? -1)) throw new Error(`ldapmodify: ${status ?? ''} ${stdout}${stderr}`);
    return stdout + stderr;
  }

  async remove(): Promise<void> {
    const outer = this.#outer;
    if (outer?.exitCode === null) {
      const ended = new Promise((resolve) => outer.once('exit', resolve));
      // unshare(1) heeds no other while it waits; what is in there goes with it.
      outer.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
