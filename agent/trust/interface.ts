// Certificates as the login story sees them: what do they say, and how far can they be trusted.

import type { Attestation, AttestationFindings } from '../model/card/attestation.ts';
import type { CertificateFields } from '../model/key/certificate-fields.ts';
import type { PublicKey } from '../model/key/key.ts';
import type { PathLink, TrustFindings, TrustSources } from '../model/key/trust.ts';

export interface CertificateTrust {
  /**
   * Looks for a chain to the authorities, and, if asked to, whether anything in it is revoked. Answers that are known
   * are used; otherwise the network is asked within `sources.timeoutMs`.
   * @param der a certificate of at most 32 KiB
   * @returns findings also for what is no certificate; nothing is thrown for a bad one
   * @throws AgentError `config-invalid` when an authority's file cannot be read
   */
  findings(der: Buffer, sources: TrustSources, withRevocation: boolean): Promise<TrustFindings>;
  /**
   * The way from a certificate to an authority, as far as it goes, for people: the certificate itself first (DECISIONS.md D290).
   * @returns empty for what is no certificate
   * @throws AgentError `config-invalid` when an authority's file cannot be read
   */
  path(der: Buffer, authorities: readonly string[]): Promise<readonly PathLink[]>;
  /**
   * What a card's maker says of a key in a slot. @param roots PEM files, absolute paths
   * @returns findings also for what is no attestation
   * @throws AgentError `config-invalid` when a root's file cannot be read
   */
  attestation(
    attestation: Attestation,
    key: PublicKey,
    slot: string,
    roots: readonly string[],
  ): Promise<AttestationFindings>;
  /** @throws AgentError `bad-certificate` */
  fields(der: Buffer): Promise<CertificateFields>;
}
