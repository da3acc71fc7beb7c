// The role that says whose a certificate is by the directory behind SSSD. It claims; what is believed of it is
// policy/certificate-binding.ts's decision.

import type { DirectoryUser } from '../model/key/directory-user.ts';

/** For all certificates of one look. SSSD has its own time for the directory, and a cache for when that is away. */
export const SSSD_ANSWER_MS = 5000;

/** How many accounts of a certificate are asked for; two are enough to know that there are several. */
export function accountsAsked(several: boolean): number {
  return several ? 16 : 2;
}

export interface CertificateUsers {
  /**
   * @param certificate DER
   * @param limit more users than that are not asked for
   * @throws AgentError `internal` when there is no answer, or none that makes sense, before `signal` aborts
   */
  usersOf(certificate: Buffer, limit: number, signal: AbortSignal): Promise<readonly DirectoryUser[]>;
}
