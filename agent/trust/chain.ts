// A path from a certificate to one of the authorities (RFC 5280, 6.1), every link checked before it is used:
// signature, validity, basic constraints, key usage, path length, name constraints, critical extensions, algorithms.
// No revocation here, and no network: what is missing between card and root must be in the authorities' files.

import * as pkijs from 'pkijs';
import { AgentError } from '../base/errors.ts';
import { KEY_USAGE_BIT, permitsLogin } from '../model/key/certificate-uses.ts';
import { extendedKeyUsages, extensionOf, hasKeyUsage, type ParsedCertificate } from './certificate.ts';
import { sameName } from './distinguished-name.ts';
import { constraintFault } from './name-constraints.ts';
import { EXTENSION } from './oids.ts';
import { algorithmFault, isSignedBy, keyFault } from './signature.ts';

/** Longest path: the card's certificate, six authorities in between, the root. */
const MAX_LENGTH = 8;
/** Most links that are tried; authorities that sign each other could be gone around for ever. */
const MAX_TRIES = 64;

/** Critical extensions that are understood; any other refuses (RFC 5280, 4.2). */
const UNDERSTOOD: readonly string[] = [
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.nameConstraints,
  EXTENSION.certificatePolicies,
  EXTENSION.crlDistributionPoints,
  EXTENSION.extKeyUsage,
];

export interface Chain {
  /** The card's certificate first, the root last. */
  readonly path: readonly ParsedCertificate[];
  /** null: it holds. Safe to print. */
  readonly fault: string | null;
}

/** What the certificate at the end is for: a login, or to say something of a card's key. */
export type ChainPurpose = 'login' | 'attestation';

function isSelfIssued({ subject, issuer }: ParsedCertificate): boolean {
  return sameName(subject, issuer);
}

/** What is wrong with a certificate by itself; null for nothing. */
function ownFault(certificate: ParsedCertificate, nowMs: number): string | null {
  for (const [oid, { critical }] of certificate.extensions) {
    if (critical && !UNDERSTOOD.includes(oid)) return `an unknown critical extension (${oid})`;
  }
  const algorithm = algorithmFault(certificate.signed.algorithm);
  if (algorithm !== null) return algorithm;
  if (nowMs < certificate.notBeforeMs) return 'it is not valid yet: see the clock of this machine';
  if (nowMs > certificate.notAfterMs) return 'it has expired';
  return keyFault(certificate.publicKey);
}

/** What keeps the card's certificate from being one for logins. */
function leafFault(certificate: ParsedCertificate): string | null {
  if (hasKeyUsage(certificate, KEY_USAGE_BIT.digitalSignature) === false)
    return 'its key usage has no digitalSignature';
  const uses = extendedKeyUsages(certificate);
  if (uses !== null && !permitsLogin(uses)) return 'its extended key usage is for other things than logins';
  return null;
}

/** What keeps a certificate from vouching for those below it. */
function authorityFault(authority: ParsedCertificate, below: readonly ParsedCertificate[]): string | null {
  const basic = extensionOf(authority, EXTENSION.basicConstraints, pkijs.BasicConstraints);
  if (basic?.cA !== true) return 'its issuer is no authority';
  if (hasKeyUsage(authority, KEY_USAGE_BIT.keyCertSign) === false)
    return 'its issuer may not sign certificates';
  const limit = typeof basic.pathLenConstraint === 'number' ? basic.pathLenConstraint : null;
  const between = below.slice(1).filter((certificate) => !isSelfIssued(certificate)).length;
  if (limit !== null && between > limit) return 'the chain is longer than an authority allows';
  for (const certificate of below) {
    const fault = constraintFault(authority, certificate);
    if (fault !== null) return fault;
  }
  return null;
}

class PathSearch {
  readonly #authorities: readonly ParsedCertificate[];
  readonly #nowMs: number;
  readonly #purpose: ChainPurpose;
  #tries = 0;
  /** Of the longest path so far: what a person wants to read. */
  #best: Chain;

  constructor(
    leaf: ParsedCertificate,
    authorities: readonly ParsedCertificate[],
    nowMs: number,
    purpose: ChainPurpose,
  ) {
    this.#purpose = purpose;
    this.#authorities = authorities;
    this.#nowMs = nowMs;
    this.#best = { path: [leaf], fault: 'its issuer is not among the authorities' };
  }

  run(leaf: ParsedCertificate): Chain {
    const fault = ownFault(leaf, this.#nowMs) ?? (this.#purpose === 'login' ? leafFault(leaf) : null);
    if (fault !== null) return { path: [leaf], fault };
    const path = this.#extend([leaf]);
    return path === null ? this.#best : { path, fault: null };
  }

  #extend(path: readonly ParsedCertificate[]): readonly ParsedCertificate[] | null {
    const last = path.at(-1);
    if (last === undefined || path.length >= MAX_LENGTH) return null;
    for (const authority of this.#authorities) {
      if (!sameName(authority.subject, last.issuer) || path.includes(authority)) continue;
      this.#tries += 1;
      if (this.#tries > MAX_TRIES) return null;
      const fault = this.#linkFault(path, last, authority);
      if (fault !== null) {
        if (path.length >= this.#best.path.length) this.#best = { path, fault };
        continue;
      }
      const longer = [...path, authority];
      if (isSelfIssued(authority) && isSignedBy(authority.signed, authority.publicKey)) return longer;
      if (longer.length > this.#best.path.length)
        this.#best = { path: longer, fault: 'the issuer of an authority is not among the authorities' };
      const whole = this.#extend(longer);
      if (whole !== null) return whole;
    }
    return null;
  }

  #linkFault(
    path: readonly ParsedCertificate[],
    last: ParsedCertificate,
    authority: ParsedCertificate,
  ): string | null {
    if (!isSignedBy(last.signed, authority.publicKey)) return 'its signature is not by its issuer';
    const own = ownFault(authority, this.#nowMs);
    if (own !== null) return `an authority in its chain: ${own}`;
    return authorityFault(authority, path);
  }
}

/** The path of a card's certificate. @param authorities those that are self-signed are roots */
export function findChain(
  leaf: ParsedCertificate,
  authorities: readonly ParsedCertificate[],
  nowMs: number,
  purpose: ChainPurpose = 'login',
): Chain {
  try {
    return new PathSearch(leaf, authorities, nowMs, purpose).run(leaf);
  } catch (error) {
    if (error instanceof AgentError) return { path: [leaf], fault: error.detail };
    throw error;
  }
}
