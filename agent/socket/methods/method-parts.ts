// What the methods of io.scauth need.

import type { AnchorSource, AuditLog } from '../../audit/interface.ts';
import type { SessionSource } from '../../logind/interface.ts';
import type { Accounts } from '../../model/account.ts';
import type { FleetStanding } from '../../model/book/book-state.ts';
import type { HealthSource } from '../../model/inventory.ts';
import type { CertificateUsers } from '../../sssd/interface.ts';
import type { LostTable } from '../../store/interface.ts';
import type { LostParts } from '../../stories/lost/say-lost.ts';
import type { PairingParts } from '../../stories/pair/pair.ts';
import type { MonitorParts } from '../monitor.ts';
import type { EnforcementMethodParts } from './enforcement-methods.ts';
import type { InventoryParts } from './inventory-methods.ts';
import type { KeyringMethodParts } from './keyring-methods.ts';
import type { SignedBooks } from './signed-books.ts';
import type { SettingsParts } from './settings-methods.ts';

export interface AdminParts
  extends PairingParts, KeyringMethodParts, InventoryParts, MonitorParts, SettingsParts {
  readonly enforcement: EnforcementMethodParts;
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
