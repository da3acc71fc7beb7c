// All pairings of a table, keys parsed: for tests of small tables. scauthd has no such thing.

import type { Pairing } from '../../../agent/model/pairing.ts';
import type { PairingTable } from '../../../agent/store/interface.ts';

export function everybodys(table: PairingTable): Pairing[] {
  return table.userPage(null, 100).flatMap((user) => table.forUser(user));
}
