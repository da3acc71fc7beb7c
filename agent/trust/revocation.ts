// Whether a certificate is revoked, by its authority's lists on this machine, its OCSP responder, and its distribution
// points, in this order. Answers are kept, so that a login after the card was put in asks nobody. What was found out
// is "good" only when a source that is valid now says so: silence is "unknown", never good.

import { statSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { toHex } from '../base/bytes.ts';
import { pemBlocks } from '../base/pem.ts';
import { readTrustedFile } from '../base/trusted-file.ts';
import type { Revocation, TrustSources } from '../model/key/trust.ts';
import { crlUrls, distributionPoints, ocspResponders } from './access-points.ts';
import type { ParsedCertificate } from './certificate.ts';
import { listCovers, listFault, MAX_CRL_BYTES, parseRevocationList, type RevocationList } from './crl.ts';
import { sameName } from './distinguished-name.ts';
import { askHttp } from './http.ts';
import { MAX_OCSP_BYTES, ocspRequest, readOcspAnswer } from './ocsp.ts';

export interface Status {
  readonly status: Revocation;
  readonly detail: string | null;
}

interface Kept extends Status {
  readonly untilMs: number;
  /** From then on it is asked anew behind the back of whoever uses it. */
  readonly renewFromMs: number;
}

type Answer = Status & { readonly untilMs: number };

interface KeptList {
  readonly list: RevocationList;
  readonly untilMs: number;
}

/** After a source failed it is left alone for so long, unless it is asked for a certificate anew. */
const FAILURE_MS = 30_000;
const MAX_KEPT = 256;
/** In the last part of its life an answer is asked anew. */
const RENEW_IN_LAST = 0.25;

/** A certificate of a chain, with the one above it. */
export interface ChainLink {
  readonly certificate: ParsedCertificate;
  readonly issuer: ParsedCertificate;
  readonly isAuthority: boolean;
}

export class RevocationStatus {
  readonly #clock: Clock;
  /** By certificate and issuer. */
  readonly #answers = new Map<string, Kept>();
  /** By URL. */
  readonly #lists = new Map<string, KeptList>();
  /** By path; a file is read again when it was changed. */
  readonly #files = new Map<string, { stamp: string; list: RevocationList | null; fault: string | null }>();
  /** Questions that are under way, so that two logins do not ask twice. */
  readonly #asking = new Map<string, Promise<Status>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Never rejects. */
  async of(link: ChainLink, sources: TrustSources): Promise<Status> {
    const { certificate, issuer } = link;
    const local = this.#byFiles(link, sources.crlFiles);
    if (local.status !== 'unknown') return local;
    const name = `${certificate.sha256} ${issuer.sha256} ${sources.ocsp} ${sources.crlDownload}`;
    const kept = this.#answers.get(name);
    const underWay = this.#asking.get(name);
    const nowMs = this.#clock.nowMs();
    if (kept !== undefined && nowMs < kept.untilMs) {
      if (nowMs >= kept.renewFromMs && underWay === undefined)
        this.#renew(name, this.#ask(link, sources, true));
      return kept;
    }
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(link, sources, false)
      .then((found) => {
        this.#keep(name, found);
        return found.status === 'unknown' && local.detail !== null
          ? { status: found.status, detail: `${local.detail}; ${found.detail ?? ''}` }
          : found;
      })
      .finally(() => this.#asking.delete(name));
    this.#asking.set(name, asked);
    return asked;
  }

  /** Nobody waits for it; an answer that is still good stays where nothing better comes. */
  #renew(name: string, asked: Promise<Answer>): void {
    const renewed = asked
      .then((found) => {
        if (found.status !== 'unknown') this.#keep(name, found);
        return found;
      })
      .finally(() => this.#asking.delete(name));
    this.#asking.set(name, renewed);
  }

  #keep(name: string, found: Answer): void {
    if (this.#answers.size >= MAX_KEPT) this.#answers.clear();
    const nowMs = this.#clock.nowMs();
    const renewFromMs =
      found.status === 'unknown' ? found.untilMs : found.untilMs - (found.untilMs - nowMs) * RENEW_IN_LAST;
    this.#answers.set(name, { ...found, renewFromMs });
  }

  #byFiles({ certificate, issuer, isAuthority }: ChainLink, files: readonly string[]): Status {
    const faults: string[] = [];
    let isGood = false;
    for (const file of files) {
      const { list, fault } = this.#file(file);
      if (list === null) {
        faults.push(`${file}: ${fault ?? 'cannot be read'}`);
        continue;
      }
      if (!sameName(list.issuer, issuer.subject)) continue;
      const why = listFault(list, issuer, this.#clock.nowMs());
      if (why !== null) {
        faults.push(`${file}: ${why}`);
        continue;
      }
      if (list.revoked.has(toHex(certificate.serial)))
        return { status: 'revoked', detail: `it is revoked (${file})` };
      isGood ||= listCovers(list, distributionPoints(certificate), isAuthority);
    }
    if (isGood) return { status: 'good', detail: null };
    return { status: 'unknown', detail: faults.length === 0 ? null : faults.join('; ') };
  }

  #file(path: string): { list: RevocationList | null; fault: string | null } {
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      const known = this.#files.get(path);
      if (known?.stamp === stamp) return known;
      const read = { stamp, ...readList(path) };
      this.#files.set(path, read);
      return read;
    } catch (error) {
      return { list: null, fault: describeError(error) };
    }
  }

  async #ask(
    { certificate, issuer, isAuthority }: ChainLink,
    sources: TrustSources,
    anew: boolean,
  ): Promise<Answer> {
    const { timeoutMs, cacheMinutes } = sources;
    const maxAgeMs = cacheMinutes * 60_000;
    const deadlineMs = performance.now() + timeoutMs;
    const leftMs = (): number => Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const faults: string[] = [];
    for (const url of sources.ocsp ? ocspResponders(certificate) : []) {
      try {
        const body = { bytes: ocspRequest(certificate, issuer), type: 'application/ocsp-request' };
        const der = await askHttp({ url, body, maxBytes: MAX_OCSP_BYTES, timeoutMs: leftMs() });
        const { status, validUntilMs } = readOcspAnswer(
          der,
          certificate,
          issuer,
          this.#clock.nowMs(),
          maxAgeMs,
        );
        if (status !== 'unknown')
          return {
            status,
            detail: status === 'good' ? null : `it is revoked (${url})`,
            untilMs: validUntilMs,
          };
        faults.push(`${url}: does not know the certificate`);
      } catch (error) {
        faults.push(describeError(error));
      }
    }
    for (const url of sources.crlDownload ? crlUrls(certificate) : []) {
      try {
        const { list, untilMs } = await this.#download(url, issuer, leftMs(), maxAgeMs, anew);
        if (list.revoked.has(toHex(certificate.serial)))
          return { status: 'revoked', detail: `it is revoked (${url})`, untilMs };
        if (listCovers(list, distributionPoints(certificate), isAuthority))
          return { status: 'good', detail: null, untilMs };
        faults.push(`${url}: the list is not for this certificate`);
      } catch (error) {
        faults.push(describeError(error));
      }
    }
    const detail =
      faults.length === 0 ? 'nobody is named who could say whether it is revoked' : faults.join('; ');
    return { status: 'unknown', detail, untilMs: this.#clock.nowMs() + FAILURE_MS };
  }

  /** @throws AgentError `malformed` */
  async #download(
    url: string,
    issuer: ParsedCertificate,
    timeoutMs: number,
    maxAgeMs: number,
    anew: boolean,
  ): Promise<KeptList> {
    const nowMs = this.#clock.nowMs();
    const kept = this.#lists.get(url);
    if (!anew && kept !== undefined && nowMs < kept.untilMs && listFault(kept.list, issuer, nowMs) === null)
      return kept;
    const bytes = await askHttp({ url, body: null, maxBytes: MAX_CRL_BYTES, timeoutMs });
    const list = parseRevocationList(pemBlocks(bytes, 'X509 CRL')[0] ?? bytes);
    const fault = listFault(list, issuer, nowMs);
    if (fault !== null) throw new Error(`${url}: ${fault}`);
    const found = { list, untilMs: Math.min(list.nextUpdateMs, nowMs + maxAgeMs) };
    if (this.#lists.size >= MAX_KEPT) this.#lists.clear();
    this.#lists.set(url, found);
    return found;
  }
}

function readList(path: string): { list: RevocationList | null; fault: string | null } {
  try {
    const bytes = readTrustedFile(path, MAX_CRL_BYTES);
    if (bytes === null) return { list: null, fault: 'is not there' };
    return { list: parseRevocationList(pemBlocks(bytes, 'X509 CRL')[0] ?? bytes), fault: null };
  } catch (error) {
    return { list: null, fault: describeError(error) };
  }
}
