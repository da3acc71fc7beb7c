// The log as the login story sees it. The file and the forwarders are behind it.

import type { Anchor } from '../model/sealed-log/anchor.ts';
import type { AuditEvent } from '../model/sealed-log/audit-event.ts';
import type { PeerCredentials } from '../model/request.ts';

export interface AuditLog {
  /**
   * Appends one event and returns when it is on disk: a grant goes out only after that.
   * @throws AgentError `internal` when it could not be written
   */
  record(event: AuditEvent): Promise<void>;
  /** Somebody asks for something that will be recorded: what /proc says of them is looked at while they are there. */
  notice?(peer: PeerCredentials): void;
}

/** Where the log stands, for those who vouch for it. */
export interface AnchorSource {
  /** The last record that is on disk; null before the first, or where the log cannot be read. */
  lastRecord(): Anchor | null;
}
