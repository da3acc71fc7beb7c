// What the methods of io.scauth need, and what one of them is.

import type { AnchorSource, AuditLog } from '../../audit/interface.ts';
import type { SessionSource } from '../../logind/interface.ts';
import type { Accounts } from '../../model/account.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import type { HealthSource, Inventory } from '../../model/inventory.ts';
import type { PeerCredentials } from '../../model/request.ts';
import type { Given, MethodName, Reply, UpgradedMethod } from '../../protocol/io-scauth.ts';
import type { CertificateUsers } from '../../sssd/interface.ts';
import type { LoginDriverTable, LostTable } from '../../store/interface.ts';
import type { Conversation } from '../../stories/card/conversation.ts';
import type { KeyringParts } from '../../stories/card/keyring-parts.ts';
import type { BreakGlass } from '../../stories/enforcement/break-glass.ts';
import type { PlanParts } from '../../stories/enforcement/enforcement-plan.ts';
import type { SettingsFiles } from '../../stories/enforcement/shut-out-by-settings.ts';
import type { LostParts } from '../../stories/lost/say-lost.ts';
import type { PairingParts } from '../../stories/pair/pair.ts';
import type { MonitorParts } from '../monitor.ts';
import type { SignedBooks } from './signed-books.ts';

export interface EnforcementParts extends PlanParts {
  readonly breakGlass: BreakGlass;
  readonly audit: AuditLog;
}

export interface AdminParts extends PairingParts, MonitorParts {
  readonly keyring: KeyringParts;
  readonly inventory: Inventory;
  readonly loginDrivers: LoginDriverTable;
  readonly settingsFiles: SettingsFiles;
  readonly enforcement: EnforcementParts;
  readonly accounts: Accounts;
  readonly sssd?: CertificateUsers;
  readonly lost: LostTable;
  readonly lockOpened: LostParts['lockOpened'];
  readonly audit: AuditLog;
  readonly anchors: AnchorSource;
  readonly sessions: SessionSource;
  readonly version: string;
  readonly health: HealthSource;
  readonly fleet: () => FleetStanding;
  readonly signedBooks: SignedBooks;
  readonly log: (line: string) => void;
}

export type Run<M extends MethodName, Parts = AdminParts> = (
  given: Given<M>,
  peer: PeerCredentials,
  parts: Parts,
) => Reply<M> | Promise<Reply<M>>;

/** A conversation that ends in a JSON result. */
export type Story = (person: Conversation) => Promise<object>;

/** A method that goes on as a conversation. */
export type StoryOf<M extends UpgradedMethod> = (
  given: Given<M>,
  peer: PeerCredentials,
  parts: AdminParts,
) => Story | Promise<Story>;
