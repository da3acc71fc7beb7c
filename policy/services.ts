// The PAM services that scauth knows, by the names of their files: a row a service, a column a question. Whatever is asked
// about a service by its name is answered here; a setting that lists services overrides the list that comes from here.
// Why they are as they are: DECISIONS.md D181. Pure data.

/**
 * Where a program heeds a refusal: `account` in pam_acct_mgmt(3); `auth` only in pam_authenticate(3), because it never
 * comes to the account phase or does not look at its answer. A program that nobody has looked at counts as `auth`.
 */
export type Heeds = 'account' | 'auth';

/**
 * What a program shows of a PAM conversation. `messages`: in place of a prompt it shows words of its own. `nothing`: a
 * secret is typed before PAM is asked, and every question gets it.
 */
export type Shows = 'all' | 'messages' | 'nothing';

export interface PamService {
  /** What it opens, for a sentence; null: nothing, since only root can call it and nobody is asked. */
  readonly opens: string | null;
  readonly heeds: Heeds;
  /** For people on other hosts, also where a tunnel ends here and the remote host's name is this one's. */
  readonly remote: boolean;
  /** Starts a session, as root: such a login opens the keyring as well. */
  readonly startsSession: boolean;
  /** Unlocks a session that is there already. */
  readonly unlocks: boolean;
  /** Changes the user within a session: that nobody is asked there is its own settings' word. */
  readonly switches: boolean;
  /** Asks on a terminal, where messages and prompts have a line each. */
  readonly terminal: boolean;
  readonly shows: Shows;
  /** The program without which nothing runs as this service, where its file is there in any case; null: a file says it. */
  readonly program: string | null;
}

type Kind = Pick<PamService, 'opens' | 'heeds'> & Partial<PamService>;

const CONSOLE: Kind = {
  opens: 'a login on a console',
  heeds: 'account',
  startsSession: true,
  terminal: true,
};
const DESKTOP: Kind = { opens: 'a desktop session', heeds: 'account', startsSession: true };
const SWITCH: Kind = {
  opens: 'root or another account',
  heeds: 'account',
  switches: true,
  terminal: true,
};
const LOCK: Kind = { opens: 'a locked screen', heeds: 'auth', unlocks: true };
const REMOTE: Kind = { opens: 'a login from another host', heeds: 'account', remote: true };

const NOTHING: Omit<PamService, 'opens' | 'heeds'> = {
  remote: false,
  startsSession: false,
  unlocks: false,
  switches: false,
  terminal: false,
  shows: 'all',
  program: null,
};

function row(name: string, kind: Kind, more: Partial<PamService> = {}): [string, PamService] {
  return [name, { ...NOTHING, ...kind, ...more }];
}

export const PAM_SERVICES: ReadonlyMap<string, PamService> = new Map([
  row('login', CONSOLE),
  row('gdm-password', DESKTOP),
  row('gdm-smartcard', DESKTOP),
  row('lightdm', DESKTOP, { shows: 'messages' }),
  row('sddm', DESKTOP, { shows: 'nothing' }),
  row('lxdm', DESKTOP, { shows: 'nothing' }),
  row('xdm', DESKTOP, { shows: 'nothing' }),
  row('wdm', DESKTOP, { shows: 'nothing' }),
  row('slim', DESKTOP, { shows: 'nothing' }),
  row('greetd', DESKTOP),
  row('ly', DESKTOP),
  row('sudo', SWITCH),
  row('sudo-i', SWITCH),
  row('su', SWITCH),
  row('su-l', SWITCH),
  row('doas', SWITCH),
  row('polkit-1', SWITCH, { terminal: false }),
  row('runuser', SWITCH, { opens: null }),
  row('runuser-l', SWITCH, { opens: null }),
  row('xsecurelock', LOCK, { heeds: 'account' }),
  // As Debian builds xsecurelock: its service is the file that others include.
  row('common-auth', LOCK, { heeds: 'account', program: '/usr/bin/xsecurelock' }),
  row('i3lock', LOCK, { shows: 'nothing' }),
  row('swaylock', LOCK, { shows: 'nothing' }),
  row('waylock', LOCK, { shows: 'nothing' }),
  row('gtklock', LOCK),
  row('hyprlock', LOCK),
  row('slock', LOCK, { shows: 'nothing' }),
  row('xscreensaver', LOCK),
  row('physlock', LOCK),
  row('vlock', LOCK),
  row('xlock', LOCK, { shows: 'nothing' }),
  row('kde', LOCK, { shows: 'messages' }),
  row('kde-smartcard', LOCK, { shows: 'messages' }),
  row('kscreenlocker', LOCK, { shows: 'messages' }),
  row('xfce4-screensaver', LOCK),
  row('mate-screensaver', LOCK),
  row('light-locker', LOCK),
  row('cinnamon-screensaver', LOCK),
  row('gnome-screensaver', LOCK),
  row('unity', LOCK),
  row('budgie-screensaver', LOCK),
  row('sshd', REMOTE),
  row('cockpit', REMOTE),
  row('xrdp-sesman', REMOTE),
  row('remote', REMOTE),
]);

type Question = {
  [Column in keyof PamService]: PamService[Column] extends boolean ? Column : never;
}[keyof PamService];

/** No for a service that is not in the table. */
export function isService(service: string, question: Question): boolean {
  return PAM_SERVICES.get(service)?.[question] === true;
}

/** The services of which one of the questions is true, in the table's order. */
export function servicesThat(...questions: readonly Question[]): string[] {
  return [...PAM_SERVICES.keys()].filter((service) =>
    questions.some((question) => isService(service, question)),
  );
}

/** The services whose programs show so much, in the table's order. */
export function servicesShowing(shows: Shows): string[] {
  return [...PAM_SERVICES].filter(([, service]) => service.shows === shows).map(([name]) => name);
}

export type OpeningService = Pick<PamService, 'heeds' | 'remote' | 'program'> & { readonly opens: string };

/** Those that open the machine to somebody: what `sc_auth enforce on` wants to be covered. */
export const OPENING_SERVICES: ReadonlyMap<string, OpeningService> = new Map(
  [...PAM_SERVICES].flatMap(([name, { opens, ...rest }]) =>
    opens === null ? [] : [[name, { opens, ...rest }]],
  ),
);

/** Whether a list of PAM services has this one; `*` alone stands for all. */
export function isListed(services: readonly string[], service: string): boolean {
  return (services.length === 1 && services[0] === '*') || services.includes(service);
}
