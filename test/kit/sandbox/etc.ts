// The private /etc of a sandbox: accounts, PAM services, sudoers, reader.conf, the shell's start files.
// It starts from a copy of the machine's /etc (init.sh) and never touches the machine's own.
// Specifications: pam.conf(5), sudoers(5), passwd(5), shadow(5), login.defs(5), reader.conf(5).
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { OPENING_SERVICES } from '../../../policy/services.ts';
import { APP, PROGRAMS } from './namespace.ts';

/** The port on which vpcd waits for a card; each sandbox has its own network, so it can always be the same. */
export const VPCD_PORT = 35963;
/** The port on which the reader with a PIN pad waits for a card. */
export const PAD_PORT = 36063;
/** Readers that a sandbox has when nothing else is said: vpcd makes two at once. */
export const READERS = 2;
/** pcscd's PCSCLITE_MAX_READERS_CONTEXTS, which is built into it and into libpcsclite. */
export const MOST_READERS = 16;
export const SHARE = '/run/sandbox';

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly rootPassword: string;
}

export interface EtcOptions extends Account {
  /** Text of /etc/scauth/scauth.toml; without it there is no such file. */
  readonly config?: string;
  /** Name of the virtual reader. */
  readonly readerName?: string;
  /** Whether there is a reader with a PIN pad too. */
  readonly pinPad?: boolean;
  /** The account phase asks scauthd, and nobody else of the machine is there, who would be shut out. */
  readonly enforced?: boolean;
  /** How many virtual readers (2): an even number up to MOST_READERS. */
  readonly readers?: number;
  /** Exported to every login shell. */
  readonly environment: Readonly<Record<string, string>>;
}

/** As the package's PAM profile puts it (install/pam/pam-config); `sc_auth enforce` needs it. */
export const ACCOUNT_LINE = 'account   [success=ignore perm_denied=die default=ignore]  pam_scauth.so';
/** For programs that never come to the account phase, or do not heed it (pam_scauth(8)). */
export const ENFORCE_LINE = 'auth      [perm_denied=die default=ignore]  pam_scauth.so enforce';

/** Card + PIN first, the account password if that does not lead anywhere. No delay after a wrong password. */
function loginStack(enforced: boolean): string {
  return `auth      sufficient  pam_scauth.so
auth      required    pam_unix.so try_first_pass nodelay
${enforced ? `${ACCOUNT_LINE}\n` : ''}account   required    pam_unix.so
password  required    pam_unix.so sha512
session   required    pam_unix.so
`;
}

const LOGIN_SERVICES = ['sudo', 'sudo-i', 'su', 'su-l', 'login'] as const;

const PAM_SERVICES: Readonly<Record<string, string>> = {
  // By this one scauthd checks an account password when a card is paired.
  scauth: 'auth      required    pam_unix.so nodelay\naccount   required    pam_unix.so\n',
  // For pamtester: the answer is that of pam_scauth.so and nothing else.
  'scauth-test':
    'auth      required    pam_scauth.so\naccount   required    pam_permit.so\nsession   required    pam_permit.so\n',
  other:
    'auth      required    pam_deny.so\naccount   required    pam_deny.so\npassword  required    pam_deny.so\nsession   required    pam_deny.so\n',
};

/** One section for two readers; vpcd keeps its state by slot alone, so that each section has a copy of its library. */
function readerSections(root: string, name: string, readers: number): string {
  const vpcd = `${APP}/build/vpcd/usr/lib/pcsc/drivers/serial/libifdvpcd.so`;
  let text = readerConf(name, VPCD_PORT, vpcd);
  for (let first = 2; first < readers; first += 2) {
    const copy = `${SHARE}/libifdvpcd-${first}.so`;
    copyFileSync(root + vpcd, root + copy);
    // pcscd numbers readers of one name by their library: each pair needs a name of its own.
    text += readerConf(`${name} ${1 + first / 2}`, VPCD_PORT + first, copy);
  }
  return text;
}

/** A section of reader.conf(5). */
function readerConf(name: string, port: number, library: string): string {
  const hex = `0x${port.toString(16).toUpperCase()}`;
  return `FRIENDLYNAME "${name}"
DEVICENAME   /dev/null:${hex}
LIBPATH      ${library}
CHANNELID    ${hex}
`;
}

/** What else opens the machine on which the sandbox is would keep `sc_auth enforce on` from being on. */
function coverOthers(root: string): void {
  for (const [service, { heeds }] of OPENING_SERVICES) {
    const files = [`/etc/pam.d/${service}`, `/usr/lib/pam.d/${service}`];
    const isHere = files.some((file) => existsSync(root + file));
    if (!isHere || LOGIN_SERVICES.some((name) => name === service)) continue;
    const last = heeds === 'auth' ? `${ENFORCE_LINE}\n` : '';
    write(root, `/etc/pam.d/${service}`, loginStack(true) + last);
  }
}

/**
 * Writes the files.
 * @param root where the machine finds `/` of the sandbox
 * @returns the new account's uid
 */
export function writeEtc(root: string, options: EtcOptions): number {
  const uid = addAccounts(root, options);
  if (options.enforced === true) keepPeople(root, [options.user]);
  for (const [service, stack] of Object.entries(PAM_SERVICES)) write(root, `/etc/pam.d/${service}`, stack);
  for (const service of LOGIN_SERVICES) {
    const first =
      service.startsWith('su') && !service.startsWith('sudo') ? 'auth      sufficient  pam_rootok.so\n' : '';
    write(root, `/etc/pam.d/${service}`, `${first}${loginStack(options.enforced === true)}`);
  }
  if (options.enforced === true) coverOthers(root);

  const path = `${PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  // Each sudo asks: seeing the prompt is what a sandbox is for.
  write(
    root,
    '/etc/sudoers',
    `Defaults env_reset, use_pty, lecture=never, timestamp_timeout=0, secure_path="${path}"
Defaults env_keep += "SCAUTH_*"
root ALL=(ALL:ALL) ALL
${options.user} ALL=(ALL:ALL) ALL
`,
    0o440,
  );
  edit(
    root,
    '/etc/login.defs',
    (text) =>
      `${text.replace(/^\s*(ENV_PATH|ENV_SUPATH)\b.*$/gm, '')}
ENV_PATH PATH=${path}
ENV_SUPATH PATH=${path}
`,
  );
  // Directory services have no way out of here and would only cost time.
  edit(root, '/etc/nsswitch.conf', (text) =>
    text.replace(/^(passwd|group|shadow|gshadow|hosts):.*$/gm, '$1: files'),
  );
  edit(root, '/etc/hosts', (text) => `127.0.0.1 localhost ${hostname()}\n${text}`);
  rmSync(`${root}/etc/nologin`, { force: true });

  renew(root, '/etc/reader.conf.d');
  const { readerName = 'Virtual PCD', pinPad = false, readers = READERS } = options;
  // One file: pcscd reads several in no order.
  write(root, '/etc/reader.conf.d/vpcd', readerSections(root, readerName, readers));
  if (pinPad) {
    const library = `${APP}/build/test-ifd/libifdpinpad.so`;
    write(root, '/etc/reader.conf.d/pinpad', readerConf('PIN Pad', PAD_PORT, library));
  }
  renew(root, '/etc/scauth');
  if (options.config !== undefined) write(root, '/etc/scauth/scauth.toml', options.config);

  const exports = Object.entries(options.environment).map(
    ([name, value]) => `export ${name}=${quote(value)}\n`,
  );
  write(root, '/etc/profile.d/scauth-sandbox.sh', `PATH=${path}\n${exports.join('')}`);
  const prompt = "PS1='(scauth sandbox) \\u:\\w\\$ '\n";
  for (const user of ['root', options.user]) {
    write(root, `${SHARE}/home/${user}/.bashrc`, prompt);
    write(root, `${SHARE}/home/${user}/.profile`, '. ~/.bashrc\n');
  }
  return uid;
}

/** A word for a shell, whatever is in it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Adds the user, and gives root a password and a home that is forgotten with the sandbox. */
function addAccounts(root: string, { user, password, rootPassword }: Account): number {
  if (!/^[a-z_][a-z0-9_-]{0,30}$/.test(user) || user === 'root')
    throw new Error(`'${user}' cannot be the name of a user.`);
  const ids = new Set<number>();
  for (const file of ['/etc/passwd', '/etc/group']) {
    for (const line of lines(root, file)) ids.add(Number(line.split(':')[2]));
  }
  let uid = 1000;
  while (ids.has(uid)) uid++;

  const home = `${SHARE}/home/${user}`;
  replaceAccount(root, '/etc/passwd', user, `${user}:x:${uid}:${uid}::${home}:/bin/bash`);
  replaceAccount(root, '/etc/passwd', 'root', `root:x:0:0:root:${SHARE}/home/root:/bin/bash`);
  replaceAccount(root, '/etc/group', user, `${user}:x:${uid}:`);
  replaceAccount(root, '/etc/shadow', user, `${user}:${hash(password)}:19000:0:99999:7:::`);
  replaceAccount(root, '/etc/shadow', 'root', `root:${hash(rootPassword)}:19000:0:99999:7:::`);
  mkdirSync(root + home, { recursive: true, mode: 0o700 });
  chownSync(root + home, uid, uid);
  return uid;
}

/** Of what people have here when nothing else is asked for, as hash() makes it. */
const KNOWN_HASHES = new Map([
  [
    'correct-horse-7',
    '$6$rounds=1000$scauthtest$bNbWrHpeHFWRStBt1PxKM2rweGdmdNdo868qd6zFW3Jw3tyntWQBLya3N7fuMqvgOFSjDzuziNzpusNNRfKh71',
  ],
  [
    'battery-staple-9',
    '$6$rounds=1000$scauthtest$lRBKk1.l3iSDoC4SPdol0jhIzda9kUjcxdVqhChKoewuKrJBTdO11e4aGYbqRh3VahZ9m2a1Onbhswncv6WiC/',
  ],
]);

/** crypt(5), method sha512, with as few rounds as it takes: no test is about how long a password holds. */
function hash(password: string): string {
  const known = KNOWN_HASHES.get(password);
  if (known !== undefined) return known;
  return execFileSync('openssl', ['passwd', '-6', '-salt', 'rounds=1000$scauthtest', '-stdin'], {
    input: `${password}\n`,
    encoding: 'utf8',
  }).trim();
}

/** Takes out the people of the machine: `keep` and the accounts of the system stay. */
export function keepPeople(root: string, keep: readonly string[]): void {
  const isOurs = (line: string): boolean => {
    const [name = '', , uid = ''] = line.split(':');
    return Number(uid) < 1000 || Number(uid) > 60_000 || keep.includes(name);
  };
  const kept = lines(root, '/etc/passwd').filter(isOurs);
  edit(root, '/etc/passwd', () => `${kept.join('\n')}\n`);
}

function replaceAccount(root: string, file: string, name: string, line: string): void {
  const others = lines(root, file).filter((other) => !other.startsWith(`${name}:`));
  edit(root, file, () => `${[line, ...others].join('\n')}\n`);
}

function lines(root: string, file: string): string[] {
  return readFileSync(root + file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** Changes a file and keeps its owner and mode. */
function edit(root: string, file: string, change: (text: string) => string): void {
  const text = existsSync(root + file) ? readFileSync(root + file, 'utf8') : '';
  writeFileSync(root + file, change(text));
}

function write(root: string, file: string, text: string, mode = 0o644): void {
  rmSync(root + file, { force: true });
  writeFileSync(root + file, text);
  chmodSync(root + file, mode);
}

function renew(root: string, folder: string): void {
  rmSync(root + folder, { recursive: true, force: true });
  mkdirSync(root + folder, { mode: 0o755 });
}
