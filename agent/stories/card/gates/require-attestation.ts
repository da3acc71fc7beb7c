// At pairing: what the card's maker says of the key, asked of the card where the policy wants it.

import { AgentError, asAgentError } from '../../../base/errors.ts';
import type { AttestationFindings } from '../../../model/card/attestation.ts';
import type { CertificateTrust } from '../../../trust/interface.ts';
import { permitAttestation } from '../../../../policy/permit-attestation.ts';
import type { Policy } from '../../../../policy/policy.ts';
import type { OnCard } from '../find/find-identity.ts';

async function findingsFor(
  roots: readonly string[],
  { token, identity }: OnCard,
  trust: CertificateTrust,
): Promise<AttestationFindings | null> {
  const attestation = await token.attest?.(identity);
  if (attestation === undefined) return null;
  return trust.attestation(attestation, identity.publicKey, identity.slot, roots);
}

/**
 * @param card null: a hash or a certificate whose card is not in
 * @throws AgentError `not-attested`, and what a card throws
 */
export async function requireAttestation(
  { attestation: policy }: Policy,
  card: OnCard | null,
  { trust }: { readonly trust: CertificateTrust },
): Promise<void> {
  if (!policy.required) return;
  let findings: AttestationFindings | null = null;
  try {
    if (card !== null) findings = await findingsFor(policy.roots, card, trust);
  } catch (error) {
    const { code, detail } = asAgentError(error);
    if (code === 'not-attested' || code === 'config-invalid' || code === 'bad-certificate')
      throw new AgentError('not-attested', { say: detail, cause: error });
    throw error;
  }
  const found = permitAttestation(policy, findings);
  if (!found.permitted) throw new AgentError('not-attested', { say: `${found.why} (${found.rule})` });
}
