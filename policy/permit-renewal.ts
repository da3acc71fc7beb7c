// Whether a new card may take the place of a paired one by its PIN alone, without the account's password: where an authority
// that is pinned has given both to the same person. Pure.

import { nameText, type CertificateFields } from '../agent/model/key/certificate-fields.ts';
import type { Policy } from './policy.ts';

type Names = Pick<CertificateFields, 'subject' | 'issuer'>;

/** Both certificates have been judged by their chains already. Names are compared to the letter: what differs is asked for. */
export function renewsBySubject({ pairing, trust }: Policy, old: Names, next: Names): boolean {
  if (pairing.renew !== 'same-subject' || trust.level === 0 || trust.pinned.length === 0) return false;
  const same =
    nameText(old.subject) === nameText(next.subject) && nameText(old.issuer) === nameText(next.issuer);
  return same && old.subject.length > 0 && old.issuer.length > 0;
}
