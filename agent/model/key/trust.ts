// What is asked about a certificate, and what can be found out. The decision is policy/permit-certificate.ts.

/** Where authorities and revocation data come from. */
export interface TrustSources {
  /** PEM files, absolute paths. */
  readonly authorities: readonly string[];
  /** Revocation lists, absolute paths. */
  readonly crlFiles: readonly string[];
  readonly crlDownload: boolean;
  readonly ocsp: boolean;
  readonly timeoutMs: number;
  readonly cacheMinutes: number;
}

/** A certificate on the way from a card's to an authority. Names are texts of the certificate. */
export interface PathLink {
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface TrustFindings {
  /** null: the chain holds and everything in it is valid now; else why not, safe to print. */
  readonly chainFault: string | null;
  /** SHA-256 of the authorities in the chain, upper-case hex; empty without a chain. */
  readonly authorities: readonly string[];
  /** Of the certificate and the authorities below the root: the worst of them. */
  readonly revocation: Revocation;
  /** Why it is not known, or what is revoked; safe to print. */
  readonly revocationDetail: string | null;
}

export type Revocation = 'good' | 'revoked' | 'unknown';
