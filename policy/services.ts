// The PAM services that open the machine to somebody, by the names of their files: what `sc_auth enforce on` wants to be
// covered, and why. Other lists of services (policy.ts, permit-without-card.ts, agent/stories/card/driver-gate.ts) are to come
// here. Pure data.

/**
 * Where a program heeds a refusal: `account` in pam_acct_mgmt(3); `auth` only in pam_authenticate(3), because it never
 * comes to the account phase or does not look at its answer. A program that nobody has looked at counts as `auth`.
 */
export type Heeds = 'account' | 'auth';

export interface OpeningService {
  /** What it opens, for a sentence. */
  readonly opens: string;
  readonly heeds: Heeds;
  /** For people on other hosts: bound only by enforcement.remote. */
  readonly remote: boolean;
}

function services(
  opens: string,
  names: readonly string[],
  { heeds = 'account', remote = false }: { heeds?: Heeds; remote?: boolean } = {},
): [string, OpeningService][] {
  return names.map((name) => [name, { opens, heeds, remote }]);
}

export const OPENING_SERVICES: ReadonlyMap<string, OpeningService> = new Map([
  ...services('a login on a console', ['login']),
  ...services('a desktop session', [
    'gdm-password',
    'gdm-smartcard',
    'lightdm',
    'sddm',
    'lxdm',
    'xdm',
    'wdm',
    'slim',
    'greetd',
    'ly',
  ]),
  ...services('root or another account', ['sudo', 'sudo-i', 'su', 'su-l', 'doas', 'polkit-1']),
  ...services('a locked screen', ['xsecurelock']),
  ...services(
    'a locked screen',
    [
      ...[
        'i3lock',
        'swaylock',
        'waylock',
        'gtklock',
        'hyprlock',
        'xscreensaver',
        'physlock',
        'vlock',
        'xlock',
      ],
      ...['kde', 'kde-smartcard', 'kscreenlocker', 'xfce4-screensaver', 'mate-screensaver', 'light-locker'],
      ...['cinnamon-screensaver', 'gnome-screensaver', 'unity', 'budgie-screensaver'],
    ],
    { heeds: 'auth' },
  ),
  ...services('a login from another host', ['sshd', 'cockpit', 'xrdp-sesman', 'remote'], { remote: true }),
]);

/** Whether a list of PAM services has this one; `*` alone stands for all. */
export function isListed(services: readonly string[], service: string): boolean {
  return (services.length === 1 && services[0] === '*') || services.includes(service);
}
