// How a driver's process is kept small: its own user without rights, no network, no new privileges, no other process to
// see, little memory. util-linux's programs do it, each one call of the kernel; nothing of ours runs with rights there.
// Specifications: setpriv(1), unshare(1), prlimit(1), setrlimit(2), pid_namespaces(7), passwd(5).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/**
 * systemd's "Users, Groups, UIDs and GIDs" leaves 1879048192 to 2147483647 free. A driver's id names its user, so that
 * files can be given to it, and no driver can touch another's process.
 */
const FIRST_UID = 0x70000000;
const UIDS = 0x01000000;
/** login.defs(5), SYS_UID_MAX: from here on accounts are people's. */
const FIRST_PERSON = 1000;

/** As whom a driver's process runs. */
export interface DriverUser {
  readonly uid: number;
  readonly gid: number;
}

/** A user without an entry in passwd(5): enough for a driver that does not talk to pcscd by itself. */
export function numberedUser(id: string): DriverUser {
  const uid = FIRST_UID + (createHash('sha256').update(id).digest().readUInt32BE(0) % UIDS);
  return { uid, gid: uid };
}

/**
 * An account of the machine, for a driver that talks to pcscd by itself. Where pcscd asks polkit it runs in a user
 * namespace that knows the first 65536 users only (PrivateUsers=identity), so that each numbered user is `nobody` to
 * it, and polkit has no name to judge by.
 * @param file passwd(5)
 * @returns null where there is no such account, or where it is root's or may be a person's
 */
export function systemAccount(name: string, file = '/etc/passwd'): DriverUser | null {
  const entry = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([one]) => one === name);
  const [uid, gid] = [Number(entry?.[2]), Number(entry?.[3])];
  return uid > 0 && uid < FIRST_PERSON && gid > 0 ? { uid, gid } : null;
}

/**
 * RLIMIT_DATA counts what can be written. Node's V8 takes 512 MiB of it for the code it may compile, whether it uses
 * them or not; less, and no driver in JavaScript would start.
 */
const DATA_BYTES = 1024 * 1024 * 1024;
/** In the whole life of a process. A login costs milliseconds. */
const CPU_SECONDS = 300;
const LIMITS = [
  '--core=0',
  `--data=${DATA_BYTES}`,
  `--cpu=${CPU_SECONDS}`,
  '--nofile=128',
  '--nproc=64',
  `--fsize=${64 * 1024 * 1024}`,
];

export interface Confinement extends DriverUser {
  /** Names or numbers of supplementary groups. */
  readonly groups: readonly string[];
}

/**
 * The command that runs `argv` so confined. It needs root with CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID and CAP_SETPCAP.
 * When scauthd dies, by whatever, the first setpriv's death signal ends unshare, and with unshare its namespace of
 * processes and all that is in it. Sockets of the file system (pcscd's) can be reached without a network.
 */
export function confined(argv: readonly string[], { uid, gid, groups }: Confinement): [string, ...string[]] {
  // prettier-ignore
  return [
    '/usr/bin/setpriv', '--pdeathsig', 'KILL', '--',
    '/usr/bin/unshare', '--net', '--pid', '--fork', '--kill-child=KILL', '--',
    '/usr/bin/prlimit', ...LIMITS, '--',
    '/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`,
    ...(groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join(',')}`]),
    '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--pdeathsig', 'KILL', '--',
    ...argv,
  ];
}

/** All that a driver's process finds in its environment, beside what its configuration names. */
export const DRIVER_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/nonexistent',
  // What is freed there is overwritten at once (mallopt(3), M_PERTURB), without a cache that would keep it as it was: a
  // PKCS#11 module is other people's code, and OpenSC's leaves the PIN in memory that it has freed (DECISIONS.md D263).
  GLIBC_TUNABLES: 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0',
};
