// What the audit log says of a key, safe to print: one form for logins, pairings and their ends.

import { printable } from '../../base/errors.ts';
import type { AuditedKey } from '../../model/sealed-log/audit-event.ts';
import type { Certificate, Pkhh } from '../../model/key/key.ts';
import type { Identity, TokenId } from '../../model/card/token.ts';

/** @param certificate null where none is known */
export function auditedKey(pkhh: Pkhh, tokenId: TokenId | null, certificate: Certificate | null): AuditedKey {
  return {
    pkhh,
    tokenId,
    certificateSerial: certificate?.serialNumber ?? null,
    certificateIssuer: certificate === null ? null : printable(certificate.issuer),
  };
}

/** The key of an identity on a card that is in. */
export function auditedIdentity({ publicKey, tokenId, certificate }: Identity): AuditedKey {
  return auditedKey(publicKey.pkhh, tokenId, certificate);
}
