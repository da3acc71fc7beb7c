// The settings that decide, as one immutable snapshot. Data only: config/ fills it, the rules beside this file read it.

import type { PinPolicy } from '../agent/model/attestation.ts';
import type { TouchPolicy } from '../agent/model/token.ts';
import type { TrustSources } from '../agent/model/trust.ts';
import type { CertmapRule } from './certmap/rule.ts';

export interface Policy {
  /** Cards may be used for login at all (macOS: allowSmartCard). */
  readonly cardsAllowed: boolean;
  /** PAM services for which a card may be used; `*` alone stands for all. An unknown word matches nothing. */
  readonly services: readonly string[];
  /** Whether a remote user (by the session, or PAM_RHOST) may use a card that is in this machine's reader. */
  readonly remoteAllowed: boolean;
  /** PIN tries that a login leaves on the card unless the user says otherwise. */
  readonly tryReserve: number;
  /** How often one login asks for the PIN before the password gets its turn. */
  readonly pinAttempts: number;
  /** Users may pair a card with their own account (macOS: UserPairing). */
  readonly usersMayPair: boolean;
  /** A login whose record cannot be written is not granted. */
  readonly noRecordNoGrant: boolean;
  /** Cards may be used through a contactless reader. */
  readonly contactlessAllowed: boolean;
  /** Readers whose PIN pad is not used: USB ids `VVVV:PPPP`, or text in the reader's name. */
  readonly pinPadDenied: readonly string[];
  /** PAM services whose programs show prompts and nothing else. */
  readonly promptOnlyServices: readonly string[];
  /** Longest wait for a card that is being read, milliseconds. */
  readonly cardWaitMs: number;
  /** How long a login waits for a card to be put in, milliseconds; 0: it does not. */
  readonly insertWaitMs: number;
  /** Whether a card must prove its own key (9E) before it gets a PIN. */
  readonly cardCheck: CardCheckMode;
  /** From how many days before its end on a certificate is told; 0: never. */
  readonly expiryNoticeDays: number;
  readonly minRsaBits: number;
  readonly minEcBits: number;
  /** macOS: tokenRemovalAction. */
  readonly removal: RemovalPolicy;
  /** PAM services that open a session or its lock; `*` alone stands for all. */
  readonly sessionServices: readonly string[];
  /** macOS: oneCardPerUser. */
  readonly oneCardPerUser: boolean;
  readonly trust: TrustPolicy;
  readonly mapping: MappingPolicy;
  readonly attestation: AttestationPolicy;
  readonly enforcement: EnforcementPolicy;
  readonly keyring: KeyringPolicy;
}

/** Login keyrings that a card opens. */
export interface KeyringPolicy {
  readonly allowed: boolean;
  /** PAM services that get the secret. */
  readonly services: readonly string[];
}

/** `off`; `paired`: where the pairing keeps the card's key; `always`. */
export type CardCheckMode = 'off' | 'paired' | 'always';

/** What happens to a session when the card that opened it is taken out. */
export interface RemovalPolicy {
  readonly action: 'none' | 'lock' | 'logout';
  /** How long the card may be put back and nothing happens. */
  readonly graceMs: number;
  /** Locks the screen where logind does not; empty: none. */
  readonly lockCommand: readonly string[];
}

/** 0 off, 1 chain and validity, 2 and soft revocation, 3 and hard revocation (macOS: checkCertificateTrust). */
export type TrustLevel = 0 | 1 | 2 | 3;

export interface TrustPolicy extends TrustSources {
  readonly level: TrustLevel;
  /** SHA-256 of authorities' certificates, upper-case hex (macOS: TrustedAuthorities). */
  readonly pinned: readonly string[];
}

/** Instead of a pairing (macOS: AttributeMapping). */
export interface MappingPolicy {
  readonly attribute: 'none' | 'name' | 'gecos';
  readonly rules: readonly CertmapRule[];
  readonly fields: readonly string[];
  readonly format: string;
}

/** What a card's maker must say of a key that is to be paired. */
export interface AttestationPolicy {
  readonly required: boolean;
  /** PEM files, absolute paths. */
  readonly roots: readonly string[];
  readonly pinPolicy: 'any' | Exclude<PinPolicy, 'never'>;
  readonly touchPolicy: 'any' | Exclude<TouchPolicy, 'never'>;
  /** `5.7.0`; empty: any. */
  readonly minFirmware: string;
}

/** Whom enforcement binds while it is on (macOS: NotEnforcedGroup, allowUnmappedUsers). */
export interface EnforcementPolicy {
  /** Empty: no group. */
  readonly exemptGroup: string;
  readonly allowUnpairedUsers: boolean;
  readonly services: readonly string[];
  readonly remote: boolean;
  /** What an agent that is not there means to the PAM module: the password opens, or nobody gets in. */
  readonly agentAbsent: 'open' | 'closed';
  readonly confirmMinutes: number;
}

/** What there is when no file says anything. */
export const defaultPolicy: Policy = {
  cardsAllowed: true,
  services: ['*'],
  remoteAllowed: false,
  tryReserve: 1,
  pinAttempts: 1,
  usersMayPair: true,
  noRecordNoGrant: true,
  contactlessAllowed: false,
  pinPadDenied: [],
  promptOnlyServices: ['i3lock', 'swaylock', 'waylock'],
  cardWaitMs: 4000,
  insertWaitMs: 0,
  cardCheck: 'paired',
  expiryNoticeDays: 14,
  minRsaBits: 2048,
  minEcBits: 256,
  removal: { action: 'none', graceMs: 0, lockCommand: [] },
  // prettier-ignore
  sessionServices: [
    'login', 'gdm-password', 'gdm-smartcard', 'lightdm', 'sddm', 'lxdm', 'xdm', 'greetd', 'ly',
    'i3lock', 'swaylock', 'waylock', 'gtklock', 'hyprlock', 'xsecurelock', 'xscreensaver', 'physlock', 'vlock', 'xlock',
    'kde', 'kde-smartcard', 'kscreenlocker', 'xfce4-screensaver', 'mate-screensaver', 'cinnamon-screensaver',
    'gnome-screensaver', 'light-locker', 'unity', 'budgie-screensaver',
  ],
  oneCardPerUser: false,
  trust: {
    level: 0,
    authorities: [],
    pinned: [],
    crlFiles: [],
    crlDownload: true,
    ocsp: true,
    timeoutMs: 2000,
    cacheMinutes: 720,
  },
  mapping: { attribute: 'none', rules: [], fields: [], format: '$1' },
  attestation: { required: false, roots: [], pinPolicy: 'any', touchPolicy: 'any', minFirmware: '' },
  enforcement: {
    exemptGroup: '',
    allowUnpairedUsers: false,
    services: ['*'],
    remote: false,
    agentAbsent: 'open',
    confirmMinutes: 30,
  },
  keyring: {
    allowed: true,
    services: ['login', 'lightdm', 'gdm-password', 'gdm-smartcard', 'sddm', 'lxdm', 'greetd', 'ly', 'xdm'],
  },
};
