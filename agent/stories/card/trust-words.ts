// What `sc_auth profile` says of a certificate's trust: by the authorities and the level of the policy, and at level 0,
// where trust decides nothing, by the chain alone where authorities are named. For show; no login is decided here.

import { asAgentError, printable } from '../../base/errors.ts';
import { permitsTlsClient } from '../../model/key/certificate-uses.ts';
import { NOT_EVALUATED, type TrustWords } from '../../model/inventory.ts';
import type { Certificate } from '../../model/key/key.ts';
import type { CertificateTrust } from '../../trust/interface.ts';
import type { TrustPolicy } from '../../../policy/policy.ts';
import { checkCertificate } from './gates/check-certificate.ts';

const CHAIN_LEVEL = 1;

/** Never rejects for a certificate that is not trusted: that is an answer. */
export async function trustWords(
  policy: TrustPolicy,
  certificate: Certificate,
  trust: CertificateTrust,
): Promise<TrustWords> {
  if (policy.level === 0 && policy.authorities.length === 0) return NOT_EVALUATED;
  const { publicKey, der } = certificate;
  const shown: TrustPolicy = policy.level === 0 ? { ...policy, level: CHAIN_LEVEL } : policy;
  const found = await checkCertificate(shown, { publicKey, certificate }, trust);
  const chain = await trust.path(der, policy.authorities).catch(() => []);
  if (!found.permitted) return { ssl: 'NO', x509: 'NO', detail: found.why, chain };
  try {
    const { extendedKeyUsage } = await trust.fields(der);
    const isForTls = extendedKeyUsage === null || permitsTlsClient(extendedKeyUsage);
    return { ssl: isForTls ? 'YES' : 'NO', x509: 'YES', detail: null, chain };
  } catch (error) {
    return { ssl: 'NO', x509: 'YES', detail: printable(asAgentError(error).detail), chain };
  }
}
