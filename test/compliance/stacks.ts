// The PAM stacks of the suite, each around the line of the program under test.

/** What stands around the module's line. */
export const STACKS = {
  /** By the card or not at all. */
  only: (module: string) => `auth required ${module}\n`,
  /** L1: a module that forgot to refuse is let in by the next one. */
  'then-permit': (module: string) => `auth required ${module}\nauth required pam_permit.so\n`,
  /** The same, where the next one's word counts alone. */
  'or-permit-if-ignored': (module: string) =>
    `auth [success=ok ignore=ignore default=die] ${module}\nauth required pam_permit.so\n`,
  /** As Debian's common-auth and most guides have it. */
  'or-password': (module: string) =>
    `auth sufficient ${module}\nauth required pam_unix.so try_first_pass nodelay\n`,
  'and-password': (module: string) => `auth required ${module}\nauth required pam_unix.so nodelay\n`,
  'password-first': (module: string) => `auth required pam_unix.so nodelay\nauth required ${module}\n`,
  twice: (module: string) => `auth required ${module}\nauth required ${module}\n`,
  /** What the module leaves for those that open a keyring or a home, in a file. */
  'told-on': (module: string) =>
    `auth required ${module}\nauth optional pam_exec.so quiet expose_authtok /run/sandbox/told-on\n`,
} as const;
export type Stack = keyof typeof STACKS;

export function serviceOf(stack: Stack): string {
  return `suite-${stack}`;
}

export const SERVICES: readonly string[] = [...Object.keys(STACKS).map((name) => `suite-${name}`), 'sudo'];
