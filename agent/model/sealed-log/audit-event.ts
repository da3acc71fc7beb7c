// What the audit log can say. A closed set; no member can hold a PIN, a nonce, a signature or a password.

import type { DenyReason, UnavailableReason } from '../decision.ts';
import type { Pkhh } from '../key/key.ts';
import type { PromptScope } from '../pairing-prompt.ts';
import type { PeerCredentials } from '../request.ts';

/** How a login ended. */
export type LoginOutcome =
  | { readonly kind: 'granted' }
  | { readonly kind: 'denied'; readonly reason: DenyReason }
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason }
  | { readonly kind: 'cancelled' };

/** Which key and card it was about, where that is known. */
export interface AuditedKey {
  readonly pkhh: Pkhh;
  readonly tokenId: string | null;
  readonly certificateSerial: string | null;
  readonly certificateIssuer: string | null;
}

/** A card outside of a login. */
export interface AuditedCard {
  readonly tokenId: string;
  /** Whose it is, with several whoever paired it first; null: nobody's. */
  readonly user: string | null;
  /** The paired one, else the first that a login could use. */
  readonly key: AuditedKey | null;
}

/** Who asked for what: the same for logins and for what is let through without a card. */
interface AuditedRequest {
  readonly requestId: string;
  readonly user: string | null;
  readonly service: string;
  readonly tty: string | null;
  readonly rhost: string | null;
  readonly peer: PeerCredentials;
  /** The policy rule that decided, e.g. `services.allow`; null when none did. */
  readonly rule: string | null;
  /** The cause for the log; safe to print. */
  readonly detail: string | null;
}

/** The request in which something was met that is an event of its own. */
export interface AuditedCause {
  readonly requestId: string;
  readonly service: string;
  readonly tty: string | null;
  readonly rhost: string | null;
}

/** Why the log is not the whole story between two records. */
export type GapReason =
  /** The wall clock went back: `fromMs` to `toMs`. */
  | 'clock-set-back'
  /** Records that were sealed are not in the file: `count` of them. */
  | 'records-missing'
  /** Records at the end of the file are not ours: `count` of them. */
  | 'records-altered'
  /** The file could not be written (full, read-only): `count` events were not recorded. */
  | 'not-written'
  /** A write was cut off; its `count` bytes were taken out. Nothing was granted on it. */
  | 'torn-record'
  /** The state of the seal is gone: a new chain with a new verification key begins. */
  | 'seal-lost';

export interface GapEvent {
  readonly kind: 'gap';
  readonly reason: GapReason;
  /** What it counts stands at the reason; null where there is nothing to count. */
  readonly count: number | null;
  /** Milliseconds since the epoch: the last record before the gap, and what came after. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** Events that were not recorded one by one, because the same owner had caused many of that kind. */
export interface LeftOutEvent {
  readonly kind: 'records-left-out';
  readonly of: AuditEvent['kind'];
  /** Who caused them: `uid 1000`, `login of 1000`, `subordinates of ada`, `for ada` (at a login prompt), `reader …`. */
  readonly owner: string;
  readonly count: number;
  /** Milliseconds since the epoch, of the first and the last. */
  readonly fromMs: number;
  readonly toMs: number;
}

export type AuditEvent =
  | (AuditedRequest & {
      readonly kind: 'login';
      readonly outcome: LoginOutcome;
      readonly key: AuditedKey | null;
    })
  /** Enforcement let somebody through without a card, because a rule exempts them. */
  | (AuditedRequest & { readonly kind: 'exemption-used' })
  /** The emergency way in was used. */
  | (AuditedRequest & { readonly kind: 'break-glass-used' })
  | {
      readonly kind: 'pairing-added' | 'pairing-removed';
      readonly user: string;
      readonly actor: PeerCredentials;
      readonly key: AuditedKey;
    }
  | {
      readonly kind: 'pairing-refused';
      readonly user: string;
      readonly actor: PeerCredentials;
      readonly detail: string;
    }
  /** A key or a card was said to be lost, or that it is found. */
  | {
      readonly kind: 'card-lost' | 'card-found';
      /** Whose it was; null: nobody's who is known. */
      readonly user: string | null;
      readonly actor: PeerCredentials;
      /** null: a card by its serial number. */
      readonly key: AuditedKey | null;
      readonly serial: string | null;
    }
  | {
      readonly kind: 'prompt-state';
      readonly enabled: boolean;
      /** Whose prompt was switched; what holds for somebody depends on the other levels too. */
      readonly scope: PromptScope;
      readonly actor: PeerCredentials;
    }
  | {
      readonly kind: 'policy-changed';
      /** null: read again by itself (a file changed, SIGHUP). */
      readonly actor: PeerCredentials | null;
      /** Settings that differ, as text: `login.try_reserve` from `1` to `2`. */
      readonly changes: readonly { readonly setting: string; readonly from: string; readonly to: string }[];
    }
  | {
      readonly kind: 'driver-changed';
      readonly action: 'added' | 'removed' | 'enabled' | 'disabled';
      /** The driver's id, e.g. `org.scauth.piv`. */
      readonly driver: string;
      readonly version: string | null;
      readonly actor: PeerCredentials | null;
    }
  | (AuditedCard & {
      readonly kind: 'pin-checked';
      readonly good: boolean;
      readonly actor: PeerCredentials;
    })
  | (AuditedCard & {
      readonly kind: 'pin-changed';
      /** By the old PIN, by the PUK, by a help desk's answer, or because the card was set up. */
      readonly how: 'changed' | 'unblocked' | 'help-desk' | 'set-up';
      readonly good: boolean;
      readonly actor: PeerCredentials;
    })
  /** The card counts no tries any more: seen at a login, a pairing or a PIN check. */
  | {
      readonly kind: 'pin-blocked';
      readonly tokenId: string;
      readonly user: string | null;
      readonly actor: PeerCredentials;
      readonly key?: AuditedKey | null;
      /** Absent outside of a login. */
      readonly request?: AuditedCause;
    }
  | {
      readonly kind: 'card-in' | 'card-out';
      readonly tokenId: string;
      readonly driver: string;
      readonly reader: string;
    }
  /** A card shows a key that it cannot prove: it may be a copy. */
  | (AuditedCard & {
      readonly kind: 'card-suspect';
      readonly check: 'login-proof' | 'pairing-proof' | 'card-authentication';
      readonly detail: string | null;
      /** Who asked; absent for a card that was only put in. */
      readonly actor?: PeerCredentials;
      readonly request?: AuditedCause;
    })
  | {
      readonly kind: 'session-locked';
      readonly user: string;
      /** logind's name of the session; null where there is none. */
      readonly session: string | null;
      readonly tokenId: string | null;
      readonly cause: 'card-removed' | 'card-lost';
    }
  /** The secret of a login keyring: sealed to a card, given to a login, sealed anew, or not to be had. */
  | {
      readonly kind: 'keyring';
      readonly action: 'enabled' | 'disabled' | 'resealed' | 'released' | 'failed';
      readonly user: string;
      readonly actor: PeerCredentials;
      readonly key: AuditedKey;
      readonly detail: string | null;
    }
  | LeftOutEvent
  | GapEvent;

/** Every kind, in the order in which people look for them. */
export const AUDIT_KINDS = [
  'login',
  'exemption-used',
  'break-glass-used',
  'pairing-added',
  'pairing-removed',
  'pairing-refused',
  'card-lost',
  'card-found',
  'prompt-state',
  'policy-changed',
  'driver-changed',
  'pin-checked',
  'pin-changed',
  'pin-blocked',
  'card-in',
  'card-out',
  'card-suspect',
  'session-locked',
  'keyring',
  'records-left-out',
  'gap',
] as const satisfies readonly AuditEvent['kind'][];
