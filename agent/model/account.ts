// Accounts of the machine, as NSS knows them.

import type { Username } from './request.ts';

export interface Account {
  readonly name: Username;
  readonly uid: number;
  /** The first part of GECOS; left out where it is not known or not plain text. */
  readonly fullName?: string;
}

export interface Accounts {
  /** null when there is no such account. @throws AgentError `internal` when the name service fails */
  byName(name: Username): Promise<Account | null>;
  /** The first account with this uid; null when there is none. @throws AgentError `internal` */
  byUid(uid: number): Promise<Account | null>;
}

/** The accounts of people, as a list, and who is in which group: what enforcement goes by. */
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
  /** Whether its uid is 0, whatever its name. null where there is no such account. @throws AgentError `internal` */
  isRoot(user: Username): Promise<boolean | null>;
}
