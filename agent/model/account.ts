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
