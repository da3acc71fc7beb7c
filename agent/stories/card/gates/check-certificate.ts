// Asks agent/trust about the certificate of a key and the policy about what was found. Everything that goes wrong on
// the way counts as a certificate that nothing is known about. Level 0 asks nobody and loads nothing.

import { asAgentError, printable } from '../../../base/errors.ts';
import { sameKey, type Certificate, type PublicKey } from '../../../model/key/key.ts';
import type { TrustFindings } from '../../../model/key/trust.ts';
import type { Token, TokenSource } from '../../../token/interface.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { permitCertificate, type TrustPermission } from '../../../../policy/permit-certificate.ts';
import type { TrustPolicy } from '../../../../policy/policy.ts';

/** A key with the certificate that is said to be its. */
export interface CertifiedKey {
  readonly publicKey: PublicKey;
  readonly certificate: Certificate | null;
}

/** From this level on it matters whether a certificate is revoked. */
const REVOCATION_LEVEL = 2;

/** Whether the key may be used, as far as its certificate goes. Never rejects. */
export async function checkCertificate(
  policy: TrustPolicy,
  { publicKey, certificate }: CertifiedKey,
  trust: CertificateTrust,
): Promise<TrustPermission> {
  if (policy.level === 0 || certificate === null) return permitCertificate(policy, null);
  // A driver pairs keys and certificates; one of another key would vouch for a stranger.
  if (!sameKey(certificate.publicKey, publicKey))
    return { permitted: false, rule: 'trust.level', why: 'the certificate is for another key' };
  let findings: TrustFindings;
  try {
    findings = await trust.findings(certificate.der, policy, policy.level >= REVOCATION_LEVEL);
  } catch (error) {
    return { permitted: false, rule: 'trust.level', why: printable(asAgentError(error).detail, 400) };
  }
  return permitCertificate(policy, findings);
}

/**
 * Finds out about the login keys of a card that was just put in, so that the login need not wait. Nothing is decided;
 * what cannot be found out is asked again at the login.
 * @returns what there is to log, a line for each key whose certificate would be refused
 */
export async function warmCertificates(
  policy: TrustPolicy,
  { id, identities }: Pick<Token, 'id' | 'identities'>,
  trust: CertificateTrust,
): Promise<string[]> {
  if (policy.level === 0) return [];
  const keys = identities.filter(({ use }) => use === 'authentication');
  const lines = await Promise.all(
    keys.map(async (identity) => {
      const found = await checkCertificate(policy, identity, trust);
      return found.permitted
        ? null
        : `${id} slot ${identity.slot}: its certificate is refused (${found.rule}): ${found.why}`;
    }),
  );
  return lines.filter((line) => line !== null);
}

/** How often cards that stay in are looked at: an answer about revocation is asked anew before it ends. */
const RENEW_EVERY_MS = 60_000;

/** Keeps what is known of cards that stay in warm, as long as scauthd runs. A refusal was in the log at insertion. */
export function renewPresent(
  policy: () => TrustPolicy,
  tokens: Pick<TokenSource, 'present'>,
  trust: CertificateTrust,
): void {
  setInterval(() => {
    if (policy().level < REVOCATION_LEVEL) return;
    tokens.present(0).then(
      (present) => Promise.all(present.map((token) => warmCertificates(policy(), token, trust))),
      () => undefined, // without a reader service there is nothing to find out
    );
  }, RENEW_EVERY_MS).unref();
}
