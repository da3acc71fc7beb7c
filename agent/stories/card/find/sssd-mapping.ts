// Whether SSSD gives a certificate to the account that logs in, by something that ties just the two together. SSSD is
// asked only for certificates of pinned authorities, for a bounded time; whatever is not a clear yes is a refusal.
// Why: DECISIONS.md D317 to D321.

import { asAgentError, describeError, printable } from '../../../base/errors.ts';
import type { Account } from '../../../model/account.ts';
import type { Binding, MappingRefusal } from '../../../model/key/certificate-binding.ts';
import type { CertificateFields } from '../../../model/key/certificate-fields.ts';
import type { DirectoryUser } from '../../../model/key/directory-user.ts';
import { accountsAsked, type CertificateUsers } from '../../../sssd/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { bindingOf } from '../../../../policy/certificate-binding.ts';
import { matchingRule } from '../../../../policy/certmap/match.ts';
import type { Policy } from '../../../../policy/policy.ts';
import { checkCertificate, type CertifiedKey } from '../gates/check-certificate.ts';

export interface SssdParts {
  readonly trust: CertificateTrust;
  /** Absent: there is nobody to ask. */
  readonly sssd?: CertificateUsers;
}

export type SssdVerdict =
  { readonly kind: 'bound'; readonly binding: Binding } | ({ readonly kind: 'refused' } & MappingRefusal);

function refused(why: MappingRefusal['why'], detail: string | null = null): SssdVerdict {
  return { kind: 'refused', why, detail };
}

/** Never rejects. */
export async function askSssd(
  account: Account,
  key: CertifiedKey,
  policy: Policy,
  { trust, sssd }: SssdParts,
  signal: AbortSignal,
): Promise<SssdVerdict> {
  const { mapping } = policy;
  const der = key.certificate?.der;
  if (account.uid === 0) return refused('root');
  if (der === undefined) return refused('unreadable');
  let fields: CertificateFields;
  try {
    fields = await trust.fields(der);
  } catch (error) {
    return refused('unreadable', asAgentError(error).detail);
  }
  if (matchingRule(mapping.rules, fields) === null) return refused('rule');
  // Whoever makes certificates of their own has no way to SSSD, or to the directory, by this.
  const chain = await checkCertificate({ ...policy.trust, level: 1 }, key, trust);
  if (!chain.permitted) return refused('chain', chain.why);
  let users: readonly DirectoryUser[];
  try {
    if (sssd === undefined) return refused('no-answer');
    users = await sssd.usersOf(der, accountsAsked(mapping.several), signal);
  } catch (error) {
    return refused('no-answer', describeError(error));
  }
  if (users.length === 0) return refused('nobody');
  if (users.length > 1 && !mapping.several) return refused('several');
  const own = users.filter(({ name, uid }) => name === account.name && uid === account.uid);
  const [user] = own;
  if (user === undefined || own.length > 1)
    return refused('other-account', users.map(({ name, uid }) => `${printable(name, 60)} ${uid}`).join(', '));
  const binding = bindingOf(fields, user, mapping.weak);
  return binding === null ? refused('unbound') : { kind: 'bound', binding };
}
