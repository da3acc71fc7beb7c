// What the audit log can say. A closed set; no member can hold a PIN, a nonce, a signature or a password.

import type { DenyReason, UnavailableReason } from './decision.ts';
import type { Pkhh } from './key.ts';
import type { PeerCredentials } from './request.ts';

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

export type AuditEvent =
  | {
      readonly kind: 'login';
      readonly outcome: LoginOutcome;
      readonly requestId: string;
      readonly user: string | null;
      readonly service: string;
      readonly tty: string | null;
      readonly rhost: string | null;
      readonly peer: PeerCredentials;
      readonly key: AuditedKey | null;
      /** The policy rule that decided, e.g. `services.allow`; null when none did. */
      readonly rule: string | null;
      /** The cause for the log; safe to print. */
      readonly detail: string | null;
    }
  | {
      readonly kind: 'pairing-added';
      readonly user: string;
      readonly actor: PeerCredentials;
      readonly key: AuditedKey;
    }
  | {
      readonly kind: 'pairing-removed';
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
  | { readonly kind: 'prompt-state'; readonly enabled: boolean; readonly actor: PeerCredentials }
  | {
      readonly kind: 'pin-checked';
      readonly good: boolean;
      readonly tokenId: string;
      readonly actor: PeerCredentials;
    }
  | {
      readonly kind: 'pin-changed';
      /** By the old PIN, or by the PUK. */
      readonly how: 'changed' | 'unblocked';
      readonly good: boolean;
      readonly tokenId: string;
      readonly actor: PeerCredentials;
    }
  | {
      /** Whether a driver may run before anybody has logged in. */
      readonly kind: 'driver-changed';
      readonly action: 'enabled' | 'disabled';
      /** The driver's id, e.g. `org.scauth.piv`. */
      readonly driver: string;
      readonly version: string | null;
      readonly actor: PeerCredentials;
    };
