// What a login is made of, and what comes out of it.

import type { Clock } from '../../base/clock.ts';
import type { Pin } from '../../base/pin.ts';
import type { AuditLog } from '../../audit/interface.ts';
import type { AuthDecision } from '../../model/decision.ts';
import type { Username } from '../../model/request.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { TokenSource } from '../../token/interface.ts';
import type { TokenName } from './session-card-name.ts';
import type { CertificateUsers } from '../../sssd/interface.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { DriverGate } from '../card/gates/driver-gate.ts';
import type { BookDesk } from '../card/find/ask-book.ts';
import type { HelpDesk } from '../card/help-desk.ts';
import type { KeyringParts } from '../card/keyring-parts.ts';
import type { KeyringRelease } from '../keyring/unseal-keyring.ts';
import type { LoginRecord } from './login-record.ts';
import type { RequestPermitParts } from './permit-request.ts';

export interface LoginParts extends RequestPermitParts {
  /** The policy in force now; a request keeps the snapshot that it began with. */
  readonly policy: () => Policy;
  readonly pairings: PairingTable;
  readonly tokens: TokenSource;
  readonly trust: CertificateTrust;
  /** Whom SSSD is asked by; absent: nobody. */
  readonly sssd?: CertificateUsers;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** The login uid of a process; null: it belongs to no login. */
  readonly loginUidOf: (pid: number) => number | null;
  /** For the agent's own log: one line, no secret. */
  readonly log: (line: string) => void;
  /** Whether a token's driver may run for this request. */
  readonly driverGate: DriverGate;
  readonly keyring: KeyringParts;
  readonly passwordInstead: (user: Username) => PasswordInstead;
  readonly helpDesk: HelpDesk;
  /** Absent: there is no fleet. */
  readonly book?: BookDesk;
}

/** Whether a password is as good as the card for an account; `untold`: it is, and the person may not know. */
export type PasswordInstead = 'no' | 'yes' | 'untold';

/** What the story came to; the decision is in the audit log already. */
export interface LoginOutcome {
  readonly decision: AuthDecision;
  /** What was typed at the PIN prompt and cannot be a PIN: the next module may use it as the password. */
  readonly password: Pin | null;
  /** What the card gave for its user's keyring, to be opened or wiped. */
  readonly keyring: KeyringRelease | null;
  /** What the person has to know of the card after a yes; null: nothing. */
  readonly warning: string | null;
  /** What a desktop calls the card; null: no card, or that is not certain. */
  readonly tokenName: TokenName | null;
  /** The user has more pairings than one. */
  readonly severalPairings: boolean;
  readonly record: LoginRecord;
}

/** What the other end gets. */
export interface LoginResult extends Pick<LoginOutcome, 'decision' | 'password'> {
  /** With a grant: the secret of the user's keyring, which is their password. Never the PIN. Absent: none. */
  readonly keyringSecret?: Pin | null;
  /** With a grant that opens a session: the card's name for its environment. Absent: none. */
  readonly tokenName?: string | null;
}
