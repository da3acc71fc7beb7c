// What is wrong in PAM files, with the repair: for `sc_auth explain`, doctor and enforce. A place is `FILE, line N`.

import { ENABLE_PAM, REINSTALL } from './repairs.ts';

/** What is wrong, and the repair; null: our own line has to be mended ({@link lineRepair}). */
type Finding = readonly [detail: string, repair: string | null];

/** scauth-pam writes common-auth anew and nothing else. @param at of our line */
export function lineRepair(inCommon: boolean, at: string): string {
  return inCommon
    ? 'sudo scauth-pam disable, then: sudo scauth-pam enable'
    : `Mend the line of pam_scauth.so by hand (${at}); pam_scauth(8) shows one that works.`;
}

/** Why our line in the auth stack is not reached, or its yes does not count. @param at, other places */
export const line = {
  denied: (at: string): Finding => [`pam_deny.so stands before it (${at}): nobody gets in`, null],
  permitted: (at: string): Finding => [
    `pam_permit.so stands before it (${at}): everybody gets in`,
    'Remove that line.',
  ],
  asksFirst: (name: string, at: string): Finding => [`${name} stands before it (${at}) and asks first`, null],
  jumpedOver: (at: string): Finding => [`${at} jumps over it`, null],
  optional: (at: string): Finding => [
    `'optional' (${at}): its yes does not count`,
    "Write 'sufficient' instead of 'optional'.",
  ],
  successIs: (at: string, action: string): Finding => [
    `${at}: success=${action}, so its yes does not count`,
    null,
  ],
  inSubstack: (at: string, next: string, nextAt: string): Finding => [
    `it is in a substack (${at}), and ${next} (${nextAt}) asks for the password too`,
    "Write 'include' instead of 'substack', or put the line into the service's own file.",
  ],
  jumpsPastEnd: (at: string): Finding => [`${at} jumps past the end of the stack`, null],
  jumpsToDeny: (at: string, target: string): Finding => [`${at} jumps to pam_deny.so (${target})`, null],
  jumpsToPassword: (at: string, name: string, target: string): Finding => [
    `${at} jumps to ${name} (${target}), which asks for the password too`,
    null,
  ],
  unusable: (where: string, what: string): Finding => [
    `${where} ${what}: PAM refuses everybody`,
    'Correct the file, or: sudo scauth-pam disable',
  ],
  noService: (service: string): Finding => [
    `There is no PAM service ${service}`,
    'List them: ls /etc/pam.d. Then: sc_auth explain -s NAME',
  ],
  missing: (file: string, module: string, service: string): Finding => [
    `${file} does not lead to ${module}${file.endsWith('/other') ? ` (PAM takes ${file} for ${service})` : ''}`,
    ENABLE_PAM,
  ],
  /** The card cannot say whose it is there. */
  nameFirst: (detail: string, name: string, at: string) =>
    `${detail}; a name is asked for first where none is chosen (${name}, ${at})`,
  notInstalled: (module: string, at: string): Finding => [`${module} (${at}) is not installed`, REINSTALL],
};

/** pam_faillock keeps an account out, the card too. @param folder of its records; null: the usual one */
export const locked = {
  detail: (name: string, at: string, user: string, failures: number) =>
    `${name} (${at}) keeps ${user} out after ${failures} failed ${failures === 1 ? 'login' : 'logins'}: neither PIN nor password opens`,
  remedy: (user: string, folder: string | null, minutesLeft: number | null) => {
    const where = folder === null ? '' : ` --dir ${folder}`;
    const reset = `sudo faillock --user ${user}${where} --reset`;
    if (minutesLeft === null) return `Ask your administrator: ${reset}`;
    const wait = minutesLeft === 1 ? 'a minute' : `${minutesLeft} minutes`;
    return `Wait ${wait}, or ask your administrator: ${reset}`;
  },
};

/** Why a service would let somebody in although the card is required. */
export const cover = {
  put: (text: string, where: 'before' | 'behind', at: string) => `Put ${where} ${at}: ${text}`,
  putInto: (text: string, service: string) => `Put into /etc/pam.d/${service}: ${text}`,
  changesPassword: (name: string, at: string, module: string) =>
    `${name} (${at}) lets in whoever has to change the password, before ${module} is asked`,
  mayAnswer: (name: string, at: string, code: string, module: string) =>
    `${name} (${at}) may answer ${code} and let in before ${module} is asked`,
  passedBy: 'it can be bypassed',
  missing: (file: string | null, phase: string, module: string, service: string) =>
    `${file ?? 'no file'}${file?.endsWith('/other') === true ? ` (PAM takes it for ${service})` : ''} has no ${phase} line of ${module}`,
  takenBack: (name: string, at: string, module: string) =>
    `${name} (${at}) takes a refusal of ${module} back`,
  notCounted: (module: string, at: string, control: string) =>
    `a refusal of ${module} (${at}) does not count: ${control}`,
  noEnforceLine: (file: string | null, module: string) =>
    `it does not heed the account phase, and ${file ?? 'its stack'} has no auth line '${module} enforce'`,
  correct: 'Correct the file.',
  letsNobodyIn: 'it lets nobody in',
};

/** The setting that lets a password be enough for a service. */
export const leftOut = {
  login: 'login.services leaves it out',
  enforcement: 'enforcement.services leaves it out',
  remote: 'enforcement.remote is false',
} as const;

/** A fault of a PAM file; in front of it stands its place. */
export const fault = {
  unreadable: (why: string) => `cannot be read (${why})`,
  noFile: 'is not a file, or is too long',
  nul: 'holds a NUL',
  tooLong: 'is too long',
  emptyContinuation: 'goes on with an empty line',
  endlessContinuation: 'goes on behind the end of the file',
  noType: (word: string) => `has no type that PAM knows ('${word}')`,
  noModule: 'names no module',
  tooDeep: 'includes files too deeply, or itself',
  missingInclude: (name: string) => `includes ${name}, which is not there`,
};
