// Whether what is known of a certificate is enough for the level that the policy asks for. Pure: what was found out is
// passed in (agent/trust).

import type { TrustPolicy } from './policy.ts';

/** What is known about the chain of a certificate, and about revocation. */
export interface TrustFindings {
  /** null: the chain holds and everything in it is valid now; else why not, safe to print. */
  readonly chainFault: string | null;
  /** SHA-256 of the authorities in the chain, upper-case hex; empty without a chain. */
  readonly authorities: readonly string[];
  /** Of the certificate and the authorities below the root: the worst of them. */
  readonly revocation: 'good' | 'revoked' | 'unknown';
  /** Why it is not known, or what is revoked; safe to print. */
  readonly revocationDetail: string | null;
}

export type TrustRule = 'trust.level' | 'trust.pinned';

export type TrustPermission =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly rule: TrustRule; readonly why: string };

/** @param findings null: the identity has no certificate, or nothing could be found out */
export function permitCertificate(policy: TrustPolicy, findings: TrustFindings | null): TrustPermission {
  const { level, pinned } = policy;
  const refuse = (rule: TrustRule, why: string): TrustPermission => ({ permitted: false, rule, why });
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
