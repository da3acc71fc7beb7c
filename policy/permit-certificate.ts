// Whether what is known of a certificate is enough for the level that the policy asks for. Pure: what was found out is
// passed in (agent/trust).

import type { TrustFindings } from '../agent/model/key/trust.ts';
import type { SettingName, TrustPolicy } from './policy.ts';

export type TrustPermission =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly rule: SettingName; readonly why: string };

/** @param findings null: the identity has no certificate, or nothing could be found out */
export function permitCertificate(policy: TrustPolicy, findings: TrustFindings | null): TrustPermission {
  const { level, pinned } = policy;
  const refuse = (rule: SettingName, why: string): TrustPermission => ({ permitted: false, rule, why });
  if (level === 0) return { permitted: true };
  if (findings === null) return refuse('trust.level', 'there is no certificate that could be checked');
  if (findings.chainFault !== null) return refuse('trust.level', findings.chainFault);
  if (pinned.length > 0 && !findings.authorities.some((authority) => pinned.includes(authority)))
    return refuse('trust.pinned', 'its chain goes through none of the pinned authorities');
  if (level === 1) return { permitted: true };
  if (findings.revocation === 'revoked')
    return refuse('trust.level', findings.revocationDetail ?? 'it is revoked');
  if (level === 2) return { permitted: true };
  if (findings.revocation !== 'good')
    return refuse('trust.level', findings.revocationDetail ?? 'nothing is known about its revocation');
  return { permitted: true };
}
