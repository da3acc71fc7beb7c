// A revocation list (RFC 5280, 5), read without pkijs: lists can have a hundred thousand entries. Indirect lists, delta
// lists and lists for a part of the certificates that we cannot judge count as none.

import { AgentError } from '../base/errors.ts';
import { toHex } from '../base/bytes.ts';
import { readOnly, readTlv, readTlvs, type Tlv } from '../base/tlv.ts';
import { timeMs } from '../model/key/certificate-end.ts';
import { KEY_USAGE_BIT } from '../model/key/certificate-uses.ts';
import { hasKeyUsage, type ParsedCertificate } from './certificate.ts';
import { isTime, oidText, readAlgorithm, readSigned, type Signed } from './der.ts';
import { sameName } from './distinguished-name.ts';
import { ISSUING_DISTRIBUTION_POINT } from './oids.ts';
import { isSignedBy } from './signature.ts';

/** Longest list, bytes. */
export const MAX_CRL_BYTES = 8 * 1024 * 1024;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const TRUE = Buffer.from([0xff]);

export interface RevocationList {
  readonly signed: Signed;
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
  /** Serial numbers, hex. */
  readonly revoked: ReadonlySet<string>;
  /** null: for all certificates of the issuer; else only for those that name one of these URIs, of this kind. */
  readonly scope: { readonly uris: readonly string[]; readonly kind: 'any' | 'user' | 'authority' } | null;
}

function bad(detail: string): AgentError {
  return new AgentError('malformed', { detail: `revocation list: ${detail}` });
}

/** Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING } */
function extensions(content: Buffer): { oid: string; critical: boolean; value: Buffer }[] {
  return readTlvs(readOnly(content, SEQUENCE)).map(({ value }) => {
    const [oid, ...rest] = readTlvs(value);
    const last = rest.at(-1);
    if (oid?.tag !== 0x06 || last?.tag !== 0x04) throw bad('an extension that is none');
    return {
      oid: oidText(oid.value),
      critical: rest[0]?.tag === 0x01 && rest[0].value.equals(TRUE),
      value: last.value,
    };
  });
}

/** IssuingDistributionPoint (5.2.5). @throws AgentError for what makes the list one for a part that we cannot judge */
function scopeOf(value: Buffer): RevocationList['scope'] {
  let uris: string[] = [];
  let kind: 'any' | 'user' | 'authority' = 'any';
  for (const { tag, value: part } of readTlvs(readOnly(value, SEQUENCE))) {
    if (tag === 0xa0) {
      // distributionPoint [0] { fullName [0] { [6] uri } }
      const [fullName] = readTlvs(part);
      if (fullName?.tag !== 0xa0) throw bad('its distribution point has no full name');
      uris = readTlvs(fullName.value)
        .filter((name) => name.tag === 0x86)
        .map((name) => name.value.toString('latin1'));
    } else if (tag === 0x81 && part.equals(TRUE)) kind = 'user';
    else if (tag === 0x82 && part.equals(TRUE)) kind = 'authority';
    else throw bad('it is for a part of the certificates only');
  }
  return { uris, kind };
}

function revokedSerials(list: Buffer): Set<string> {
  const serials = new Set<string>();
  for (let rest = list; rest.length > 0;) {
    const [entry, after] = readTlv(rest);
    const [serial] = readTlv(entry.value);
    if (entry.tag !== SEQUENCE || serial.tag !== INTEGER) throw bad('an entry that is none');
    serials.add(toHex(serial.value));
    rest = after;
  }
  return serials;
}

/**
 * @param der at most 8 MiB
 * @throws AgentError `malformed`, also for the kinds of lists that are not read
 */
export function parseRevocationList(der: Buffer): RevocationList {
  if (der.length > MAX_CRL_BYTES) throw bad('longer than 8 MiB');
  const signed = readSigned(der);
  const fields: Tlv[] = readTlvs(signed.content);
  if (fields[0]?.tag !== INTEGER || fields[0].value[0] !== 1) throw bad('not of version 2');
  const [, algorithm, issuer, thisUpdate, ...rest] = fields;
  if (algorithm?.tag !== SEQUENCE || issuer?.tag !== SEQUENCE || !thisUpdate) throw bad('a field is missing');
  if (readAlgorithm(algorithm.value).oid !== signed.algorithm.oid) throw bad('two signature algorithms');
  const nextUpdate = rest[0] !== undefined && isTime(rest[0].tag) ? rest.shift() : undefined;
  // Without it nobody could say when the list is too old.
  if (nextUpdate === undefined) throw bad('no next update');
  const entries = rest[0]?.tag === SEQUENCE ? rest.shift() : undefined;
  const extended = rest[0]?.tag === 0xa0 ? rest.shift() : undefined;
  if (rest.length > 0) throw bad('a field too many');
  let scope: RevocationList['scope'] = null;
  for (const { oid, critical, value } of extended === undefined ? [] : extensions(extended.value)) {
    if (oid === ISSUING_DISTRIBUTION_POINT) scope = scopeOf(value);
    else if (critical) throw bad(`an unknown critical extension (${oid})`);
  }
  return {
    signed,
    issuer: issuer.value,
    thisUpdateMs: timeMs(thisUpdate.tag, thisUpdate.value),
    nextUpdateMs: timeMs(nextUpdate.tag, nextUpdate.value),
    revoked: entries === undefined ? new Set() : revokedSerials(entries.value),
    scope,
  };
}

/** Clocks differ; a list from a few minutes ahead is not from the future. */
const SKEW_MS = 5 * 60_000;

/** Why a list says nothing about the certificates of `issuer`; null when it does. */
export function listFault(list: RevocationList, issuer: ParsedCertificate, nowMs: number): string | null {
  if (!sameName(list.issuer, issuer.subject)) return 'it is of another authority';
  if (hasKeyUsage(issuer, KEY_USAGE_BIT.cRLSign) === false) return 'its authority may not sign lists';
  if (nowMs + SKEW_MS < list.thisUpdateMs) return 'it is from the future';
  if (nowMs > list.nextUpdateMs) return 'it has expired';
  return isSignedBy(list.signed, issuer.publicKey) ? null : 'it is not signed by its authority';
}

/** Whether a list is for this certificate. @param uris the certificate's distribution points */
export function listCovers(list: RevocationList, uris: readonly string[], isAuthority: boolean): boolean {
  if (list.scope === null) return true;
  const { uris: named, kind } = list.scope;
  if (kind !== 'any' && (kind === 'authority') !== isAuthority) return false;
  return named.length === 0 || named.some((uri) => uris.includes(uri));
}
