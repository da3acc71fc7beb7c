// What the audit log says of a card outside of a login: whose it is, by which key. For what happens to its PIN.

import type { AuditedCard } from '../../model/sealed-log/audit-event.ts';
import type { PublicKey } from '../../model/key/key.ts';
import type { Username } from '../../model/request.ts';
import type { PairingTable } from '../../store/interface.ts';
import type { Token } from '../../token/interface.ts';
import { auditedIdentity } from './audited-key.ts';
import { ownersOf } from './find/user-of-card.ts';

type Table = Pick<PairingTable, 'forKey'>;

function firstOwnerOf(key: PublicKey, table: Table): Username | null {
  try {
    return ownersOf(key, table)[0] ?? null;
  } catch {
    return null; // a table that cannot be read does not keep anybody from a new PIN
  }
}

export function auditedCard(token: Token, table: Table): AuditedCard {
  const keys = token.identities.filter(({ use }) => use === 'authentication');
  for (const identity of keys) {
    const user = firstOwnerOf(identity.publicKey, table);
    if (user !== null) return { tokenId: token.id, user, key: auditedIdentity(identity) };
  }
  const [first] = keys;
  return { tokenId: token.id, user: null, key: first === undefined ? null : auditedIdentity(first) };
}
