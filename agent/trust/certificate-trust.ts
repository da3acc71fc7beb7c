// Chains and revocation for the login story. Authorities' files are read again when they were changed. The parts that
// need pkijs are loaded at the first question: most machines ask none.

import { statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { AgentError, asAgentError, printable } from '../base/errors.ts';
import { pemBlocks } from '../base/pem.ts';
import { readTrustedFile } from '../base/trusted-file.ts';
import type { Attestation, AttestationFindings } from '../model/card/attestation.ts';
import { nameText, type CertificateFields } from '../model/key/certificate-fields.ts';
import type { PublicKey } from '../model/key/key.ts';
import type { PathLink, TrustFindings, TrustSources } from '../model/key/trust.ts';
import type { ParsedCertificate } from './certificate.ts';
import type { CertificateTrust } from './interface.ts';
import type { RevocationStatus } from './revocation.ts';

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_AUTHORITIES = 512;

const parts = async () => ({
  ...(await import('./certificate.ts')),
  ...(await import('./attestation.ts')),
  ...(await import('./chain.ts')),
  ...(await import('./fields.ts')),
  ...(await import('./names.ts')),
  ...(await import('./revocation.ts')),
});

function invalid(detail: string, cause?: unknown): AgentError {
  return new AgentError('config-invalid', { detail, cause });
}

export class ChainTrust implements CertificateTrust {
  readonly #clock: Clock;
  #revocation: RevocationStatus | null = null;
  #authorities: { readonly stamp: string; readonly list: readonly ParsedCertificate[] } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async findings(der: Buffer, sources: TrustSources, withRevocation: boolean): Promise<TrustFindings> {
    const { parseChainCertificate, findChain, RevocationStatus: Revocations } = await parts();
    const authorities = await this.#read(sources.authorities);
    let leaf: ParsedCertificate;
    try {
      leaf = parseChainCertificate(der);
    } catch (error) {
      const chainFault = printable(asAgentError(error).detail);
      return { chainFault, authorities: [], revocation: 'unknown', revocationDetail: null };
    }
    const { path, fault } = findChain(leaf, authorities, this.#clock.nowMs());
    const found = {
      chainFault: fault,
      authorities: fault === null ? path.slice(1).map(({ sha256 }) => sha256) : [],
    };
    if (fault !== null || !withRevocation) return { ...found, revocation: 'unknown', revocationDetail: null };
    this.#revocation ??= new Revocations(this.#clock);
    const revocation = this.#revocation;
    const links = path
      .slice(0, -1)
      .map((certificate, at) => ({ certificate, issuer: path[at + 1] ?? certificate, isAuthority: at > 0 }));
    const statuses = await Promise.all(links.map((link) => revocation.of(link, sources)));
    const worst =
      statuses.find(({ status }) => status === 'revoked') ??
      statuses.find(({ status }) => status === 'unknown');
    return {
      ...found,
      revocation: worst?.status ?? 'good',
      revocationDetail: worst?.detail == null ? null : printable(worst.detail, 400),
    };
  }

  async path(der: Buffer, files: readonly string[]): Promise<readonly PathLink[]> {
    const { parseChainCertificate, findChain, attributesOf } = await parts();
    const authorities = await this.#read(files);
    let leaf: ParsedCertificate;
    try {
      leaf = parseChainCertificate(der);
    } catch {
      return [];
    }
    const { path } = findChain(leaf, authorities, this.#clock.nowMs());
    return path.map(({ names, notBeforeMs, notAfterMs }) => ({
      subject: nameText(attributesOf(names.subject)),
      issuer: nameText(attributesOf(names.issuer)),
      notBeforeMs,
      notAfterMs,
    }));
  }

  async fields(der: Buffer): Promise<CertificateFields> {
    const { certificateFields } = await parts();
    return certificateFields(der);
  }

  async attestation(
    attestation: Attestation,
    key: PublicKey,
    slot: string,
    roots: readonly string[],
  ): Promise<AttestationFindings> {
    const { attestationFindings } = await parts();
    return attestationFindings(attestation, key, slot, await readAuthorities(roots), this.#clock.nowMs());
  }

  /** @throws AgentError `config-invalid` */
  async #read(files: readonly string[]): Promise<readonly ParsedCertificate[]> {
    const stamp = files.map(stampOf).join('\n');
    if (this.#authorities?.stamp === stamp) return this.#authorities.list;
    const list = await readAuthorities(files);
    this.#authorities = { stamp, list };
    return list;
  }
}

/** @throws AgentError `config-invalid` */
async function readAuthorities(files: readonly string[]): Promise<readonly ParsedCertificate[]> {
  const { parseChainCertificate } = await parts();
  const list: ParsedCertificate[] = [];
  for (const file of files) {
    const bytes = readFile(file);
    const blocks = bytes[0] === 0x30 ? [bytes] : pemBlocks(bytes, 'CERTIFICATE');
    if (blocks.length === 0) throw invalid(`${file} holds no certificate`);
    for (const block of blocks) {
      try {
        list.push(parseChainCertificate(block));
      } catch (error) {
        throw invalid(`${file} holds a certificate that cannot be read`, error);
      }
    }
    if (list.length > MAX_AUTHORITIES) throw invalid(`more than ${MAX_AUTHORITIES} authorities`);
  }
  return list;
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? `${file} absent` : `${file} ${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

function readFile(file: string): Buffer {
  let bytes: Buffer | null;
  try {
    bytes = readTrustedFile(file, MAX_FILE_BYTES);
  } catch (error) {
    throw invalid(error instanceof AgentError ? error.detail : `${file} cannot be read`, error);
  }
  if (bytes === null) throw invalid(`${file} is not there`);
  return bytes;
}
