// The log as the login story sees it. The file and the forwarders are behind it.

import type { AuditEvent } from '../model/audit-event.ts';

export interface AuditLog {
  /**
   * Appends one event and returns when it is on disk: a grant goes out only after that.
   * @throws AgentError `internal` when it could not be written
   */
  record(event: AuditEvent): Promise<void>;
}
