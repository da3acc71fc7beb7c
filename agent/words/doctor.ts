// What `sc_auth doctor` finds, check by check, with the repair beside it. PAM files have a file of their own.

import {
  LOOK_AT_DRIVERS,
  namedOf,
  PAIR_AGAIN,
  REINSTALL,
  RESTART,
  RESTART_OR_LOG,
  WHO_NEEDS_WHAT,
} from './repairs.ts';

/** What is wrong, and the repair. */
export type Finding = readonly [detail: string, repair: string];

export const VERDICT = {
  broken: 'Something is broken: card logins may fail until it is repaired.',
  whole: 'Nothing is broken.',
} as const;

export const AS_ROOT = 'sudo sc_auth doctor';

export function rootOnly(what: string): string {
  return `${what}: only root may look`;
}

export const agent = {
  answers: (version: string) => `It answers, version ${version}`,
  otherVersion: (running: string, installed: string): Finding => [
    `Version ${running} runs, and ${installed} is installed`,
    RESTART_OR_LOG,
  ],
  silent: (why: string): Finding => [why, RESTART_OR_LOG],
  reloadRefused: (why: string): Finding => [
    `The last reload was refused: ${why}`,
    'sudo sc_auth config check, then: sudo systemctl reload scauthd',
  ],
  hardened: 'Every hardening measure of scauthd is in force',
  notInForce: (measures: readonly string[]): Finding => [
    `Not in force: ${measures.join(', ')}`,
    `Start scauthd by its unit: ${RESTART} (LimitMEMLOCK, LimitCORE)`,
  ],
};

export interface EndingCertificate {
  readonly what: string;
  readonly user: string | null;
  readonly label: string;
  readonly hash: string;
  readonly notAfter: string;
}

export const certificates = {
  noneEnds: (days: number) => `None ends within ${days} days`,
  ends: ({ what, user, label, hash, notAfter }: EndingCertificate, ended: boolean): Finding => [
    `${what === 'card' ? 'on the card' : 'paired'}: ${label}${user === null ? '' : ` of ${user}`} (${hash}) ${ended ? 'ended' : 'ends'} on ${notAfter.slice(0, 10)}`,
    `Put a new certificate on the card; for a new key: ${PAIR_AGAIN}.`,
  ],
};

export function cardRefused(user: string, hash: string, rule: string, why: string): Finding {
  return [
    `The card of ${user} (${hash}) is refused: ${why} (${rule})`,
    `Change that setting, or pair the card again by the driver that reads it now: ${PAIR_AGAIN}.`,
  ];
}

/** @param text words/factory-secrets.ts */
export function factorySecrets(text: string): Finding {
  const [found = text, repair = ''] = text.split(' Change: ');
  return [found, repair];
}

export const enforcement = {
  shutsOut: (names: readonly string[], count: number): Finding => [
    `It shuts out ${namedOf(names, count)}: none of their cards is accepted`,
    WHO_NEEDS_WHAT,
  ],
  shutsOutSoon: (names: readonly string[], count: number, days: number): Finding => [
    `It shuts out ${namedOf(names, count)} when their exemption ends, within ${days} days`,
    WHO_NEEDS_WHAT,
  ],
  opened: (service: string, why: string) =>
    `A password opens ${service} although the card is required: ${why}`,
  noService: [
    'It is on, and no PAM service asks for the card',
    'sudo sc_auth enforce plan',
  ] satisfies Finding,
  heldBy: (services: readonly string[]) => `Held by ${services.join(', ')}`,
  covered: 'Which services ask for the card',
};

export const binaries = {
  loadable: (module: string) => `${module} and the addons can be loaded`,
  nowhere: (module: string): Finding => [`${module} is in none of PAM's folders`, 'Install scauth again.'],
  olderSystem: (what: string, said: string): Finding => [
    `${what} cannot be loaded: ${said}`,
    'This system is older than the one that this scauth was built for: update it, or build scauth from its sources here.',
  ],
  notLoadable: (what: string, said: string): Finding => [
    `${what} cannot be loaded: ${said}`,
    'Install what is missing there, or install scauth again.',
  ],
};

const SET_CLOCK = 'sudo timedatectl set-ntp true; how it is now: timedatectl';

export const clock = {
  beforeBuild: (now: string, built: string): Finding => [
    `It says ${now}, which is before this program was built (${built})`,
    SET_CLOCK,
  ],
  setBack: (now: string, logged: string): Finding => [
    `It says ${now}, and the audit log was written at ${logged}: it was set back`,
    SET_CLOCK,
  ],
};

export const drivers = {
  good: 'Nothing is wrong with the token drivers',
  wrong: (id: string, problem: string): Finding => [`${id}: ${problem}`, LOOK_AT_DRIVERS],
};

export const driverAccess = {
  subject: 'Whether pcscd lets drivers in',
  reached: (id: string, uid: string) => `pcscd lets ${id} in (uid ${uid})`,
  refused: 'pcscd (its polkit) refuses it',
  noReader: (id: string, uid: string, why: string, isOurs: boolean): Finding => [
    `${id} (uid ${uid}) sees no reader: ${why}`,
    isOurs
      ? `The package has the account and the polkit rule. ${REINSTALL}`
      : 'It needs an account in its manifest, and a polkit rule for that: DRIVERS.md',
  ],
};

export const files = {
  good: 'Owners and modes are as they should be',
  missing: (path: string) => `${path} is not there`,
  otherKind: (path: string, kind: string): Finding => [
    `${path} is not a ${kind}`,
    `sudo rm ${path}, then: ${RESTART}`,
  ],
  otherOwner: (path: string, uid: number): Finding => [
    `${path} belongs to uid ${uid}`,
    `sudo chown root: ${path}`,
  ],
  otherMode: (path: string, is: number, wanted: string): Finding => [
    `${path} has the mode ${is.toString(8)}`,
    `sudo chmod ${wanted} ${path}`,
  ],
};

export const pam = {
  repairByHand: (module: string) =>
    `Put "auth sufficient ${module}" before the module that asks for the password.`,
  reset: (module: string) =>
    `Card logins were on, and no PAM file leads to ${module} any more: an update has reset them`,
  none: (module: string) => `No PAM service leads to ${module}: cards are not asked for`,
  gnomeCard: (service: string, why: string) =>
    `${service}: GNOME asks by this service while a card is in, and it does not ask scauth (${why})`,
  walletAsks: (module: string, services: readonly string[]) =>
    `${module} asks for the password after a login by card (${services.join(', ')}); programs that answer each question with what was typed give it the PIN`,
  onlySecret: (module: string) =>
    `sudo scauth-pam enable; in a line that was written by hand: ${module} only_secret`,
  walletGoesWithout: (module: string, services: readonly string[]) =>
    `${module} gets no password from a login by card (${services.join(', ')}), unless the card gives it: sc_auth keyring enable`,
  good: (services: readonly string[]) => `In the right place for ${services.join(', ')}`,
};

const OPEN_PCSCD = 'sudo systemctl enable --now pcscd.socket';

export const pcscd = {
  notInstalled: ['pcscd is not installed', 'sudo apt install pcscd'] satisfies Finding,
  listens: (path: string) => `It listens at ${path}`,
  silent: (path: string, code: string): Finding => [`Nothing listens at ${path} (${code})`, OPEN_PCSCD],
  old: (version: string, oldest: string): Finding => [
    `pcscd ${version} is older than ${oldest}`,
    'sudo apt upgrade pcscd',
  ],
};

export const settings = {
  good: 'The files in /etc/scauth are good',
  bad: (why: string): Finding => [why, 'Correct it, then: sudo sc_auth config check'],
};

export const fleetRepair =
  'see why no newer book comes, or the clock: systemctl status scauth-fleet; journalctl -u scauthd; FLEET.md';

export const sssd = {
  infoPipe: "SSSD's InfoPipe",
  answers: 'its InfoPipe answers: mapping.source is "sssd"',
  weak: (names: readonly string[]) =>
    [
      `names in a certificate are enough for an account (mapping.weak: ${names.join(', ')})`,
      'Let the directory name certificates (altSecurityIdentities, SID), then take mapping.weak out of the settings.',
    ] as const,
  silent: (why: string) =>
    [
      `no card is mapped: its InfoPipe gives no answer (${why})`,
      'Install sssd-dbus, name ifp in services of [sssd] (or start sssd-ifp), and see sssctl domain-status.',
    ] as const,
};
