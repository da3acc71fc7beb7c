// The accounts of people, as a list, and who is in which group: what enforcement goes by. One account is in account.ts.

import type { Account } from './account.ts';
import type { Username } from './request.ts';

export interface AccountDirectory {
  /**
   * Accounts that somebody can log in with: root, and those in login.defs' range with a real shell. A directory server
   * that does not list its accounts leaves them out.
   * @param each is told of each as it is read, in the order of the list
   * @throws AgentError `internal` when the name service fails
   */
  people(each?: (account: Account) => void): Promise<Account[]>;
  /** null where there is no such group or account. @throws AgentError `internal` */
  isMember(user: Username, group: string): Promise<boolean | null>;
}
